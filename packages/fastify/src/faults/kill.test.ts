import { type BitbucketEmulator, startBitbucketEmulator } from '@latchkey/bitbucket-emulator'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createBrowser } from '../testing/browser.ts'
import { type Child, startChild } from '../testing/child.ts'
import { places } from '../testing/death.ts'
import { type Shared, shareables } from '../testing/kept.ts'
import { ask, ownServer } from '../testing/postgres.ts'
import type { PostgresServer } from '../testing/postgres-server.ts'

// Kills a server once in every place, and a database twice. `pnpm test:soak` does both twenty times as often.
// LATCHKEY_KILL_SEED repeats a run with the same people at the same times, as far as runs of concurrent
// processes can be repeated.

const given = Number(process.env.LATCHKEY_KILL_SEED ?? Math.floor(Math.random() * 1e9))
const seeds = Array.from({ length: process.env.MODE === 'soak' ? 20 : 1 }, (_, n) => given + n)

/** What the server has acknowledged. Everything else may or may not have been done. */
interface Acknowledged {
  /** The signed-in people, by session cookie. */
  readonly in: Map<string, string>
  /** The session cookies of people who have signed out. */
  readonly out: Set<string>
}

const nicknames = Array.from({ length: 400 }, (_, n) => `person-${n}`)
let emulator: BitbucketEmulator
beforeAll(async () => {
  const people = nicknames.map((nickname) => ({ nickname }))
  emulator = await startBitbucketEmulator({ seed: { people } })
})
afterAll(() => emulator.close())

describe.each(shareables)('a server with %s that is killed again and again', (_what, share) => {
  it.each(seeds)(
    'keeps every acknowledged sign-in and sign-out, and nothing incomplete (seed %i)',
    async (seed) => {
      const random = createRandom(seed)
      const shared = await share()
      const orders = { ...shared.kept, emulatorUrl: emulator.url }
      const acknowledged: Acknowledged = { in: new Map(), out: new Set() }
      const nextPerson = createPeople(random)
      for (const place of places) {
        const death = { place, times: 1 + Math.floor(random() * 12) }
        const server = await startChild({ ...orders, death })
        await expectKept(server, acknowledged)
        server.process.send('now')
        const clients = [0, 1, 2, 3].map(() => comeAndGo(server, acknowledged, nextPerson, random))
        expect(await Promise.all(clients), place).not.toContain('tired')
        expect(await server.ended).toBe('SIGKILL')
        await expectWhole(shared, acknowledged)
      }
      // How many stay and how many leave is random.
      expect(acknowledged.in.size + acknowledged.out.size).toBeGreaterThan(2 * places.length)
      expect(Math.min(acknowledged.in.size, acknowledged.out.size)).toBeGreaterThan(0)
      await expectKept(await startChild(orders), acknowledged)
    },
    300_000,
  )
})

describe('a PostgreSQL server that is killed again and again while two servers use it', () => {
  it.each(seeds)(
    'keeps everything that they have acknowledged, and they recover without a restart (seed %i)',
    async (seed) => {
      const random = createRandom(seed)
      const database = await ownServer()
      const orders = { url: database.url, options: { maxStaleness: 60_000 } }
      const servers = await Promise.all(
        [0, 1].map(() => startChild({ ...orders, emulatorUrl: emulator.url })),
      )
      const acknowledged: Acknowledged = { in: new Map(), out: new Set() }
      const over = new AbortController()
      // Both servers get the same people, so that some of them first sign in on both concurrently.
      const clients = [0, 1, 2, 3].map((client) =>
        stay(servers, client % 2, acknowledged, createPeople(random), random, over.signal),
      )
      for (let kill = 0; kill < 2; kill++) {
        await untilAcknowledged(acknowledged, 5 + Math.floor(random() * 20), clients)
        await killAll(database)
        await database.start()
      }
      await untilAcknowledged(acknowledged, 20, clients)
      over.abort()
      await Promise.all(clients)
      await expectWhole({ kept: orders, ask: (sql) => ask(database.url, sql) }, acknowledged)
      for (const server of servers) {
        await expectKept(server, acknowledged)
        server.process.kill('SIGTERM')
        // It exits on its own, so nothing that it started is still running.
        expect(await server.ended).toBeNull()
      }
    },
    300_000,
  )
})

/**
 * Returns one name after another: every second one belongs to a person who has never signed in, as long as
 * there are any.
 */
function createPeople(random: () => number): () => string {
  const strangers = [...nicknames]
  return () => {
    const known = nicknames.slice(strangers.length)
    const isNew = known.length === 0 || random() < 0.5
    return (isNew ? strangers.pop() : undefined) ?? pick(known, random)
  }
}

/** Signs people in and out, one after the other, until the server exits or a client stops. */
async function comeAndGo(
  { app }: Child,
  acknowledged: Acknowledged,
  nextPerson: () => string,
  random: () => number,
): Promise<'gone' | 'tired'> {
  for (let visit = 0; visit < 500; visit++) {
    const browser = createBrowser(app)
    const nickname = nextPerson()
    const callback = await browser.signIn(nickname).catch(nullIfGone)
    if (callback === null) return 'gone'
    expect(callback.headers.location).toBe('/')
    const cookie = sessionOf(browser.cookies())
    acknowledged.in.set(cookie, nickname)
    if (random() < 0.5) continue
    acknowledged.in.delete(cookie)
    const signOut = await browser.post('/auth/sign-out').catch(nullIfGone)
    if (signOut === null) return 'gone'
    expect(signOut.statusCode).toBe(204)
    acknowledged.out.add(cookie)
  }
  return 'tired'
}

/**
 * Signs people in on one server and out on the other, even while their database is unavailable. From time to
 * time, checks that a person stays signed in.
 */
async function stay(
  servers: readonly Child[],
  client: number,
  acknowledged: Acknowledged,
  nextPerson: () => string,
  random: () => number,
  over: AbortSignal,
): Promise<void> {
  const [here, there] = client === 0 ? servers : [...servers].reverse()
  if (here === undefined || there === undefined) throw new Error('There are two servers.')
  const resident = createBrowser(here.app)
  await resident.signIn('person-0')
  while (!over.aborted) {
    const asked = await resident.get('/auth/session')
    if (asked.statusCode !== 503) expect(asked.json().user.name).toBe('person-0')
    const browser = createBrowser(here.app)
    const nickname = nextPerson()
    const callback = await browser.signIn(nickname)
    if (callback.headers.location === '/auth/sign-in?auth_error=unavailable') continue
    expect(callback.headers.location).toBe('/')
    const cookie = sessionOf(browser.cookies())
    acknowledged.in.set(cookie, nickname)
    if (random() < 0.5) continue
    acknowledged.in.delete(cookie)
    const { origin } = browser
    const signOut = await there.app.inject({
      method: 'POST',
      url: '/auth/sign-out',
      headers: { cookie, origin },
    })
    if (signOut.statusCode === 503) continue
    expect(signOut.statusCode).toBe(204)
    acknowledged.out.add(cookie)
  }
}

/** Waits for this many more sign-ins and sign-outs, or for a client that fails. */
async function untilAcknowledged(
  acknowledged: Acknowledged,
  more: number,
  clients: readonly Promise<void>[],
): Promise<void> {
  const count = (): number => acknowledged.in.size + acknowledged.out.size
  const enough = count() + more
  const waiting = vi.waitUntil(() => count() >= enough, { timeout: 60_000, interval: 5 })
  await Promise.race([waiting, Promise.all(clients)])
}

/** Kills every process of a PostgreSQL server, so that none of them completes its current work. */
async function killAll(database: PostgresServer): Promise<void> {
  const processes = await ask(
    database.url,
    'select pid from pg_stat_activity where pid <> pg_backend_pid()',
  )
  for (const { pid } of processes) {
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It has already exited.
    }
  }
  await database.kill()
}

/**
 * Whether there is no response because the connection or the server is gone. Any other error is a failure.
 */
function nullIfGone(error: { syscall?: string; code?: string }): null {
  if (error.code === 'ECONNRESET' || error.syscall !== undefined) return null
  throw error
}

/**
 * Checks that every cookie opens the same session as before, and that no signed-out cookie opens
 * any.
 */
async function expectKept({ app }: Child, acknowledged: Acknowledged): Promise<void> {
  const whoIs = async (cookie: string): Promise<unknown> => {
    const answer = await app.inject({ url: '/auth/session', headers: { cookie } })
    expect(answer.statusCode).toBe(200)
    return answer.json().user?.name ?? null
  }
  const { in: present, out: left } = acknowledged
  expect(await Promise.all([...present.keys()].map(whoIs))).toEqual([...present.values()])
  expect(new Set(await Promise.all([...left].map(whoIs)))).toEqual(
    new Set(left.size > 0 ? [null] : []),
  )
}

/** Checks the rows with SQL, before a server has opened the database again. */
async function expectWhole(
  { kept, ask }: Pick<Shared, 'kept' | 'ask'>,
  acknowledged: Acknowledged,
): Promise<void> {
  if ('file' in kept) {
    expect(await ask('pragma integrity_check')).toEqual([{ integrity_check: 'ok' }])
  }
  const strays = `select
    (select count(*) from latchkey_users where id not in
      (select user_id from latchkey_identities)) as nobodies,
    (select count(*) from latchkey_identities where user_id not in
      (select id from latchkey_users)) as orphans,
    (select count(*) from latchkey_identities) -
      (select count(distinct user_id) from latchkey_identities) as doubles,
    (select count(*) from latchkey_identities) -
      (select count(distinct subject) from latchkey_identities) as twins,
    (select count(*) from latchkey_sessions where user_id not in
      (select id from latchkey_users)) as ghosts`
  const [counted] = await ask(strays)
  expect(Object.values(counted ?? {}).map(Number), JSON.stringify(counted)).toEqual([0, 0, 0, 0, 0])
  const sessions = new Set((await ask('select id from latchkey_sessions')).map(({ id }) => id))
  const lost = [...acknowledged.in.keys()].filter((cookie) => !sessions.has(idOf(cookie)))
  const undone = [...acknowledged.out].filter((cookie) => sessions.has(idOf(cookie)))
  expect({ lost, undone }).toEqual({ lost: [], undone: [] })
}

function sessionOf(cookies: string): string {
  return cookies.split('; ').find((pair) => pair.startsWith('latchkey-3000=')) ?? 'none'
}

function idOf(cookie: string): string {
  return cookie.slice(cookie.indexOf('=') + 1, cookie.indexOf('.'))
}

function pick<T>(list: readonly T[], random: () => number): T {
  return list[Math.floor(random() * list.length)] as T
}

/** Returns a generator of numbers from 0 to 1 that depend only on a seed (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
