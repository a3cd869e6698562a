import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { describe, expect, it, vi } from 'vitest'
import type { LatchkeyOptions, Store } from '../index.ts'
import { type PostgresOptions, postgres } from '../store/postgres.ts'
import { buildApp, setUpEmulator } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'
import { startChild } from '../testing/child.ts'
import { countPeople, sharedDatabase } from '../testing/kept.ts'
import { ask, emptyDatabase } from '../testing/postgres.ts'
import { startProxy } from '../testing/proxy.ts'

// In these tests, a server trusts a session that it has read for a minute unless it receives a change. No
// test waits that long. If an ended session is rejected, the server has therefore received the change, or has
// noticed that it cannot receive changes.

const emulator = setUpEmulator()
const maxStaleness = 60_000
const session = { maxPerUser: 2 }

type Asked = Pick<FastifyInstance, 'inject'>

interface Server {
  readonly app: FastifyInstance
  /** The warnings about missing notifications so far. */
  warnings(): string[]
}

async function buildServer(
  url: string,
  settings: PostgresOptions = {},
  options: LatchkeyOptions = {},
): Promise<Server> {
  const lines: string[] = []
  const store = postgres(url, { maxStaleness, ...settings })
  const logTo = { write: (line: string) => void lines.push(line) }
  const app = await buildApp(emulator(), { store, session, ...options }, logTo)
  const warnings = (): string[] =>
    lines.map((line) => JSON.parse(line).msg).filter((message) => /^PostgreSQL/.test(message))
  return { app, warnings }
}

/** Returns the name of the signed-in user for a cookie. */
async function whoIs(server: Asked, cookie: string): Promise<string | null> {
  const answer = await server.inject({ method: 'GET', url: '/auth/session', headers: { cookie } })
  expect(answer.statusCode).toBe(200)
  return answer.json().user?.name ?? null
}

/** Whether a server responds from its cache, which means that it does not notice a change that is not reported. */
async function remembers(server: Asked, url: string, { latchkey }: FastifyInstance) {
  const user = await latchkey.users.create({ name: 'Test Person' })
  const { session, cookie } = await latchkey.sessions.create(user.id)
  expect(await whoIs(server, cookie)).toBe('Test Person')
  await ask(url, 'delete from latchkey_sessions where id = $1', [session.id])
  return (await whoIs(server, cookie)) !== null
}

async function untilAllRemember(servers: readonly Asked[], url: string, any: FastifyInstance) {
  for (const server of servers) {
    await vi.waitFor(async () => expect(await remembers(server, url, any)).toBe(true), 20_000)
  }
}

async function untilRefused(server: Asked, cookie: string): Promise<void> {
  const refused = async (): Promise<void> => expect(await whoIs(server, cookie)).toBeNull()
  await vi.waitFor(refused, { timeout: 20_000, interval: 5 })
}

/** A person with two sessions, one of which was used less recently. */
interface Person {
  readonly userId: string
  readonly sessionId: string
  readonly cookie: string
  readonly otherCookie: string
}

async function signInTwice(server: Asked): Promise<Person> {
  const [one, other] = [createBrowser(server), createBrowser(server)]
  await one.signIn('ada')
  await other.signIn('ada')
  const { user, session } = (await one.get('/auth/session')).json()
  const cookies = { cookie: one.cookies(), otherCookie: other.cookies() }
  return { userId: user.id, sessionId: session.id, ...cookies }
}

function send(
  server: FastifyInstance,
  method: 'POST' | 'DELETE',
  url: string,
  cookie: string,
  payload: object = {},
): Promise<LightMyRequestResponse> {
  const headers = { cookie, origin: 'http://localhost:3000' }
  return server.inject({ method, url, headers, ...(method === 'POST' && { payload }) })
}

/** Every way to end a person's first session. */
const endings: Readonly<
  Record<string, (server: FastifyInstance, person: Person) => Promise<unknown>>
> = {
  'signed out': (server, { cookie }) => send(server, 'POST', '/auth/sign-out', cookie),
  'signed out everywhere by another device': (server, { otherCookie }) =>
    send(server, 'POST', '/auth/sign-out', otherCookie, { scope: 'global' }),
  'signed out from another device with scope `others`': (server, { otherCookie }) =>
    send(server, 'POST', '/auth/sign-out', otherCookie, { scope: 'others' }),
  'given a new secret': (server, { cookie }) =>
    send(server, 'POST', '/auth/sign-out', cookie, { scope: 'others' }),
  'revoked from the list of sessions': (server, { sessionId, otherCookie }) =>
    send(server, 'DELETE', `/auth/sessions/${sessionId}`, otherCookie),
  'replaced by another sign-in of its browser': async (server, { cookie }) => {
    const browser = createBrowser(server)
    await browser.jar.setCookie(cookie, browser.origin)
    await browser.signIn('ben')
  },
  'the oldest beyond `maxPerUser`': (server) => createBrowser(server).signIn('ada'),
  revoked: ({ latchkey }, { sessionId }) => latchkey.sessions.revoke(sessionId),
  'revoked with all sessions of its user': ({ latchkey }, { userId }) =>
    latchkey.sessions.revokeAll(userId),
  'revoked with all sessions of all users': ({ latchkey }) => latchkey.sessions.revokeEverything(),
  'whose user is banned': ({ latchkey }, { userId }) => latchkey.users.ban(userId),
  'whose user is deleted': ({ latchkey }, { userId }) => latchkey.users.delete(userId),
}

describe('a session that ends on one of three servers', () => {
  it('is rejected there immediately, and by the other processes once they receive the change', async () => {
    const { kept } = await sharedDatabase()
    const { url } = kept as { url: string }
    const orders = { ...kept, emulatorUrl: emulator().url }
    const [one, other] = [await startChild(orders), await startChild(orders)]
    const { app } = await buildServer(url)
    const servers = [one.app, other.app, app]
    await untilAllRemember(servers, url, app)
    for (const [what, end] of Object.entries(endings)) {
      const person = await signInTwice(one.app)
      for (const server of servers) expect(await whoIs(server, person.cookie)).toBe('Ada Test')
      await end(app, person)
      expect(await whoIs(app, person.cookie), what).toBeNull()
      await Promise.all(servers.map((server) => untilRefused(server, person.cookie)))
      await app.latchkey.users.delete(person.userId)
    }
    await untilAllRemember(servers, url, app)
  })
})

describe('a read in progress on one server while another ends the session', () => {
  it('is returned to the requests that wait for it, and is not cached', async () => {
    const url = await emptyDatabase()
    const { app: there } = await buildServer(url)
    const person = await signInTwice(there)
    const real = postgres(url, { maxStaleness })
    const [read, letGo] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const store: Store = {
      ...real,
      async findSession(id) {
        const answer = await real.findSession(id)
        if (id === person.sessionId) {
          read.resolve()
          await letGo.promise
        }
        return answer
      },
    }
    const here = await buildApp(emulator(), { store, session })
    await untilAllRemember([here], url, there)
    expect(await whoIs(here, person.otherCookie)).toBe('Ada Test')
    const asked = whoIs(here, person.cookie)
    await read.promise
    await there.latchkey.sessions.revokeAll(person.userId)
    // A server that has received this change has also received the earlier one.
    await untilRefused(here, person.otherCookie)
    letGo.resolve()
    expect(await asked).toBe('Ada Test')
    expect(await whoIs(here, person.cookie)).toBeNull()
  })
})

/** Terminates the listening connections, as an administrator or a firewall would. */
async function endListening(url: string, name: string): Promise<void> {
  const ended = await ask(
    url,
    `select pg_terminate_backend(pid) from pg_stat_activity
     where application_name = $1`,
    [name],
  )
  expect(ended).toHaveLength(1)
}

describe('a server that cannot receive changes for a while', () => {
  it('does not miss a session end during that time, because it reads everything again', async () => {
    const url = await emptyDatabase()
    const listenUrl = `${url}?application_name=deaf`
    const [one, two, { app }] = [
      await buildServer(url),
      await buildServer(url, { listenUrl }),
      await buildServer(url),
    ]
    const servers = [one.app, two.app]
    for (const end of Object.values(endings)) {
      await untilAllRemember(servers, url, app)
      const person = await signInTwice(one.app)
      for (const server of servers) expect(await whoIs(server, person.cookie)).toBe('Ada Test')
      await endListening(url, 'deaf')
      await end(app, person)
      await Promise.all(servers.map((server) => untilRefused(server, person.cookie)))
      await app.latchkey.users.delete(person.userId)
    }
    expect(two.warnings()).toEqual([])
  })

  it('reads every session from the database until it can receive changes again, and then resumes caching', async () => {
    const url = await emptyDatabase()
    const proxy = await startProxy(url)
    const listenUrl = `${proxy.url}?application_name=deaf`
    const [one, two, { app }] = [
      await buildServer(url),
      await buildServer(url, { listenUrl }),
      await buildServer(url),
    ]
    await untilAllRemember([one.app, two.app], url, app)
    proxy.refuse()
    await endListening(url, 'deaf')
    await vi.waitFor(async () => expect(await remembers(two.app, url, app)).toBe(false))
    for (const [what, end] of Object.entries(endings)) {
      const person = await signInTwice(one.app)
      expect(await whoIs(two.app, person.cookie)).toBe('Ada Test')
      await end(app, person)
      expect(await whoIs(two.app, person.cookie), what).toBeNull()
      await app.latchkey.users.delete(person.userId)
    }
    proxy.pass()
    await untilAllRemember([two.app], url, app)
    const person = await signInTwice(one.app)
    expect(await whoIs(two.app, person.cookie)).toBe('Ada Test')
    await app.latchkey.sessions.revoke(person.sessionId)
    await untilRefused(two.app, person.cookie)
  })
})

describe('three servers behind a pooler that drops notifications', () => {
  it('never accept an ended session anyway, and each server warns once, with advice', async () => {
    const url = await emptyDatabase()
    const pooler = await startProxy(url, { pooler: true })
    const servers = [
      await buildServer(pooler.url, { timeout: 1000 }),
      await buildServer(pooler.url, { timeout: 1000 }),
      await buildServer(pooler.url, { timeout: 1000 }),
    ] as const
    const [one, two, { app }] = servers
    const warned = (): void => {
      for (const { warnings } of servers) {
        expect(warnings()).toEqual([expect.stringContaining('set listenUrl in postgres()')])
      }
    }
    await vi.waitFor(warned, 20_000)
    for (const [what, end] of Object.entries(endings)) {
      const person = await signInTwice(one.app)
      for (const server of servers) expect(await whoIs(server.app, person.cookie)).toBe('Ada Test')
      await end(app, person)
      for (const server of servers) {
        expect(await whoIs(server.app, person.cookie), what).toBeNull()
      }
      await app.latchkey.users.delete(person.userId)
    }
    expect(await remembers(two.app, url, app)).toBe(false)
    warned()
  })
})

describe('a person who has just signed in on one server', () => {
  it('is signed in on every other server immediately', async () => {
    const url = await emptyDatabase()
    const [here, there] = [await buildServer(url), await buildServer(url)]
    await untilAllRemember([here.app, there.app], url, here.app)
    const browser = createBrowser(here.app)
    for (const nickname of ['ada', 'ben', 'ada', 'ada', 'ben']) {
      await browser.signIn(nickname)
      const { user } = (await browser.get('/auth/session')).json()
      expect(await whoIs(there.app, browser.cookies())).toBe(user.name)
    }
  })
})

describe('the first sign-in of one person, many times concurrently', () => {
  it('on two servers creates one user, and each sign-in gets a session of that user', async () => {
    const shared = await sharedDatabase()
    const apps = [
      await buildApp(emulator(), { store: shared.store() }),
      await buildApp(emulator(), { store: shared.store() }),
    ]
    const browsers = Array.from({ length: 5 }, () => apps.map((app) => createBrowser(app))).flat()
    const callbacks = await Promise.all(
      browsers.map(async (browser) => browser.consent(await browser.start(), { user: 'ada' })),
    )
    const answers = await Promise.all(
      browsers.map((browser, index) => browser.get(callbacks[index] ?? '')),
    )
    expect(answers.map(({ headers }) => headers.location)).toEqual(browsers.map(() => '/'))
    expect(await countPeople(shared)).toEqual({ users: 1, identities: 1, sessions: 10 })
    const people = await Promise.all(browsers.map((browser) => browser.get('/api/me')))
    expect(new Set(people.map((answer) => answer.json().user.id)).size).toBe(1)
  })
})

describe('two servers whose clocks are 90 seconds apart', () => {
  const MINUTE = 60_000
  const APART = 90_000
  const lifetime = 60 * MINUTE
  const idleTimeout = 10 * MINUTE

  /** Builds two servers. The time on the first server's clock is in milliseconds from now. */
  async function buildTwo(): Promise<{
    servers: readonly [FastifyInstance, FastifyInstance]
    setTime(time: number): void
    /** Waits until the use of a session on one server is stored, which takes up to a second. */
    untilStored(cookie: string, index: number): Promise<void>
    /** Signs a person in on one of the servers, so that it deletes everything that has expired by its clock. */
    signIn(server: FastifyInstance): Promise<string>
  }> {
    const url = await emptyDatabase()
    const start = Date.now()
    let time = 0
    const options = { session: { lifetime, idleTimeout } }
    const [here, ahead] = [
      await buildServer(url, {}, { ...options, clock: () => start + time }),
      await buildServer(url, {}, { ...options, clock: () => start + time + APART }),
    ]
    return {
      servers: [here.app, ahead.app],
      setTime: (given) => {
        time = given
      },
      async untilStored(cookie, index) {
        const [, id] = /latchkey-3000=([\w-]{22})/.exec(cookie) ?? []
        const used = start + time + index * APART
        await vi.waitFor(async () => {
          const rows = await ask(url, 'select last_used_at from latchkey_sessions where id = $1', [
            id,
          ])
          expect(rows).toEqual([{ last_used_at: String(used) }])
        }, 20_000)
      },
      async signIn(server) {
        const browser = createBrowser(server)
        await browser.signIn('ada')
        return browser.cookies()
      },
    }
  }

  it('keep a session that is used on the other server until its lifetime ends, within the clock skew', async () => {
    const { servers, setTime, signIn, untilStored } = await buildTwo()
    const cookies = [await signIn(servers[0]), await signIn(servers[1])]
    const shared = await signIn(servers[0])
    for (let turn = 1; turn <= 8; turn++) {
      setTime(turn * 7 * MINUTE)
      for (const [index, server] of servers.entries()) {
        await signIn(server)
        expect(await whoIs(server, cookies[index] ?? '')).toBe('Ada Test')
        if (turn % 2 !== index) continue
        expect(await whoIs(server, shared)).toBe('Ada Test')
        await untilStored(shared, index)
      }
    }
    const all = [...cookies, shared]
    setTime(lifetime - APART - 1)
    for (const server of servers) {
      for (const cookie of all) expect(await whoIs(server, cookie)).toBe('Ada Test')
    }
    setTime(lifetime + APART)
    for (const server of servers) {
      for (const cookie of all) expect(await whoIs(server, cookie)).toBeNull()
    }
  })

  it('end an idle session on time, within the clock skew', async () => {
    const { servers, setTime, signIn } = await buildTwo()
    for (const [time, name] of [
      [idleTimeout - APART - 1, 'Ada Test'],
      [idleTimeout + APART, null],
    ] as const) {
      setTime(0)
      const signedIn = servers.flatMap((from) => servers.map((to) => ({ from, to })))
      const cookies = await Promise.all(signedIn.map(({ from }) => signIn(from)))
      setTime(time)
      for (const [index, { to }] of signedIn.entries()) {
        expect(await whoIs(to, cookies[index] ?? '')).toBe(name)
      }
    }
  })
})

describe('a session that an administrator ends with SQL', () => {
  it.each([
    'delete from latchkey_sessions',
    'delete from latchkey_users',
    'truncate latchkey_sessions',
    'update latchkey_users set banned_at = 1',
    "update latchkey_sessions set secret_hash = 'other'",
    'update latchkey_sessions set expires_at = 1',
  ])(
    'is rejected once the record has been read, without a notification about `%s`',
    async (statement) => {
      const url = await emptyDatabase()
      const { app } = await buildServer(url)
      await untilAllRemember([app], url, app)
      const { cookie } = await signInTwice(app)
      expect(await whoIs(app, cookie)).toBe('Ada Test')
      await ask(url, statement)
      await untilRefused(app, cookie)
    },
  )
})
