import type { FastifyInstance } from 'fastify'
import { describe, expect, it, vi } from 'vitest'
import type { LatchkeyOptions, Store } from '../index.ts'
import { bitbucket } from '../providers/bitbucket.ts'
import type { Provider } from '../providers/provider.ts'
import { postgres } from '../store/postgres.ts'
import { buildApp, setUpEmulator } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'
import { startChild } from '../testing/child.ts'
import { holdRows, untilWaiting } from '../testing/held.ts'
import { countPeople, type Shared, shareables, sharedDatabase } from '../testing/kept.ts'
import { ask, emptyDatabase } from '../testing/postgres.ts'
import { countExchanges } from '../testing/refusal.ts'

const emulator = setUpEmulator()

/** Two servers that share a store. */
async function buildTwo(
  shared: Shared,
  options: LatchkeyOptions = {},
): Promise<[FastifyInstance, FastifyInstance]> {
  return [
    await buildApp(emulator(), { ...options, store: shared.store() }),
    await buildApp(emulator(), { ...options, store: shared.store() }),
  ]
}

/** Returns the status of a guarded route for a cookie. */
async function knock(app: FastifyInstance, cookie: string): Promise<number> {
  return (await app.inject({ url: '/api/me', headers: { cookie } })).statusCode
}

/** Waits until a server that may have cached a session rejects it. */
async function untilRefused(app: FastifyInstance, cookie: string): Promise<void> {
  const refused = async (): Promise<void> => expect(await knock(app, cookie)).toBe(401)
  await vi.waitFor(refused, { timeout: 20_000, interval: 5 })
}

describe.each(shareables)(
  'the same callback twenty times concurrently, on two servers with %s',
  (_what, share) => {
    it('signs in once, with one token request, one user, one session and one cookie', async () => {
      const shared = await share()
      const orders = { ...shared.kept, emulatorUrl: emulator().url }
      const servers = [await startChild(orders), await startChild(orders)]
      const [first] = servers
      if (first === undefined) throw new Error('There must be two servers.')
      const browser = createBrowser(first.app)
      const url = await browser.consent(await browser.start(), { user: 'ada' })
      const headers = { cookie: browser.cookies() }

      const answers = await Promise.all(
        Array.from({ length: 10 }, () =>
          servers.map(({ app }) => app.inject({ method: 'GET', url, headers })),
        ).flat(),
      )
      expect(countExchanges(emulator())).toBe(1)
      expect(await countPeople(shared)).toEqual({ users: 1, identities: 1, sessions: 1 })
      const locations = answers.map(({ headers }) => String(headers.location).split('?', 1)[0])
      const restarted = `${emulator().url}/site/oauth2/authorize`
      // Callbacks share the outcome of the first callback in progress on the same server.
      expect(locations).toContain('/')
      for (const location of locations) expect(['/', restarted]).toContain(location)
      const tokens = answers.flatMap(({ headers }) => {
        return String(headers['set-cookie']).match(/latchkey-3000=[^;]+/) ?? []
      })
      expect(tokens).toHaveLength(locations.filter((location) => location === '/').length)
      expect(new Set(tokens).size).toBe(1)
    })
  },
)

describe('more concurrent sign-ins than `maxPerUser`, on two servers with one PostgreSQL', () => {
  /** Checks that exactly three of these cookies open a session, on both servers. */
  async function expectThree(apps: readonly FastifyInstance[], cookies: string[]): Promise<void> {
    for (const app of apps) {
      const countOpen = async (): Promise<void> => {
        const answers = await Promise.all(cookies.map((cookie) => knock(app, cookie)))
        expect(answers.filter((status) => status === 200)).toHaveLength(3)
      }
      await vi.waitFor(countOpen, 20_000)
    }
  }

  it('by a new user leave exactly `maxPerUser` sessions', async () => {
    const shared = await sharedDatabase()
    const apps = await buildTwo(shared, { session: { maxPerUser: 3 } })
    const browsers = Array.from({ length: 10 }, () => apps.map((app) => createBrowser(app))).flat()
    const callbacks = await Promise.all(
      browsers.map(async (browser) => browser.consent(await browser.start(), { user: 'ada' })),
    )
    const answers = await Promise.all(
      browsers.map((browser, index) => browser.get(callbacks[index] ?? '')),
    )
    expect(answers.map(({ headers }) => headers.location)).toEqual(browsers.map(() => '/'))
    expect(await countPeople(shared)).toEqual({ users: 1, identities: 1, sessions: 3 })
    const cookies = browsers.map((browser) => browser.cookies())
    await expectThree(apps, cookies)
  })

  it('by the application itself also leave exactly `maxPerUser` sessions', async () => {
    const shared = await sharedDatabase()
    const apps = await buildTwo(shared, { session: { maxPerUser: 3 } })
    const user = await apps[0].latchkey.users.create()
    const created = await Promise.all(
      Array.from({ length: 10 }, () =>
        apps.map(({ latchkey }) => latchkey.sessions.create(user.id)),
      ).flat(),
    )
    expect(await countPeople(shared)).toEqual({ users: 1, identities: 0, sessions: 3 })
    const cookies = created.map(({ cookie }) => cookie)
    await expectThree(apps, cookies)
  })
})

describe('a sign-out on one server while the session is used on another', () => {
  it('is final: in a hundred attempts, no late write and no sign-in brings the session back', async () => {
    const shared = await sharedDatabase()
    let now = Date.now()
    const [here, there] = await buildTwo(shared, { clock: () => now })
    await createBrowser(here).signIn('ada')
    const [{ id }] = (await shared.ask('select id from latchkey_users')) as [{ id: string }]
    const ended: string[] = []
    for (let round = 0; round < 100; round++) {
      const { cookie } = await here.latchkey.sessions.create(id)
      ended.push(cookie)
      expect(await knock(there, cookie)).toBe(200)
      // The next use must be stored.
      now += 61_000
      const browser = createBrowser(there)
      const { origin } = browser
      await browser.jar.setCookie(cookie, origin)
      const [signOut, signIn, ...uses] = await Promise.all([
        here.inject({ method: 'POST', url: '/auth/sign-out', headers: { cookie, origin } }),
        round % 10 === 0 ? browser.signIn('ada') : null,
        ...Array.from({ length: 5 }, () => knock(there, cookie)),
      ])
      expect(signOut.statusCode).toBe(204)
      for (const status of uses) expect([200, 401]).toContain(status)
      expect(await knock(here, cookie)).toBe(401)
      await untilRefused(there, cookie)
      if (signIn !== null) {
        expect(signIn.headers.location).toBe('/')
        expect(await knock(here, browser.cookies())).toBe(200)
      }
    }
    for (const cookie of ended) {
      expect([await knock(here, cookie), await knock(there, cookie)]).toEqual([401, 401])
    }
    expect(await countPeople(shared)).toEqual({ users: 1, identities: 1, sessions: 11 })
  })
})

describe.each([
  ['banned', 'ban'],
  ['deleted', 'delete'],
] as const)('a person who is %s on one server', (_what, end) => {
  /** Builds two servers, and a known person who is not signed in on either. */
  async function setScene(): Promise<{
    url: string
    here: FastifyInstance
    there: FastifyInstance
    userId: string
    /** Sets what happens while the second server redeems the code at the provider. */
    whileAsked(happens: () => Promise<void>): void
    /** Checks that this person has no session. The cookie may open another person's. */
    expectOut(cookie: string): Promise<void>
  }> {
    const url = await emptyDatabase()
    const store = (): Store => postgres(url, { maxStaleness: 60_000 })
    const real = bitbucket({ emulatorUrl: emulator().url })
    let happens: () => Promise<void> = async () => {}
    const provider: Provider = {
      ...real,
      async clientSecret() {
        await happens()
        return String(real.clientSecret)
      },
    }
    const [here, there] = [
      await buildApp(emulator(), { store: store() }),
      await buildApp(emulator(), { store: store(), providers: [provider] }),
    ]
    const browser = createBrowser(here)
    await browser.signIn('ada')
    const userId: string = (await browser.get('/auth/session')).json().user.id
    await browser.post('/auth/sign-out')
    const isOut = async (app: FastifyInstance, cookie: string): Promise<void> => {
      const { user } = (await app.inject({ url: '/auth/session', headers: { cookie } })).json()
      expect(user?.id).not.toBe(userId)
    }
    return {
      url,
      here,
      there,
      userId,
      whileAsked: (given) => {
        happens = given
      },
      async expectOut(cookie) {
        const query = 'select id from latchkey_sessions where user_id = $1'
        expect(await ask(url, query, [userId])).toEqual([])
        await isOut(here, cookie)
        await vi.waitFor(() => isOut(there, cookie), 20_000)
      },
    }
  }

  /** A deleted user can sign in again, as a new user. */
  const afterwards = end === 'ban' ? '/auth/sign-in?auth_error=user_banned' : '/'

  it('while another server reads their profile is not signed in as that user', async () => {
    const { here, there, userId, whileAsked, expectOut } = await setScene()
    whileAsked(() => here.latchkey.users[end](userId))
    const browser = createBrowser(there)
    expect((await browser.signIn('ada')).headers.location).toBe(afterwards)
    await expectOut(browser.cookies())
  })

  it('while another server stores their session loses that session as soon as it is stored', async () => {
    const { url, here, there, userId, expectOut } = await setScene()
    const { letGo } = await holdRows(url, 'insert on latchkey_sessions')
    const browser = createBrowser(there)
    const signIn = browser.signIn('ada')
    await untilWaiting(url, 1)
    const ended = here.latchkey.users[end](userId)
    await untilWaiting(url, 2)
    await letGo()
    expect((await signIn).headers.location).toBe('/')
    await ended
    await expectOut(browser.cookies())
  })

  it('during a sign-in on another server gets no session as that user', async () => {
    const { url, here, there, userId, expectOut } = await setScene()
    const event = end === 'ban' ? 'update' : 'delete'
    const { letGo } = await holdRows(url, `${event} on latchkey_users`)
    const ended = here.latchkey.users[end](userId)
    await untilWaiting(url, 1)
    const browser = createBrowser(there)
    const signIn = browser.signIn('ada')
    await untilWaiting(url, 2)
    await letGo()
    await ended
    expect((await signIn).headers.location).toBe(afterwards)
    await expectOut(browser.cookies())
  })
})
