import { DatabaseSync } from 'node:sqlite'
import { type BitbucketEmulator, startBitbucketEmulator } from '@latchkey/bitbucket-emulator'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryFile } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'
import { type Child, startChild } from '../testing/child.ts'
import { places } from '../testing/death.ts'

// Twice in every place, and with `pnpm test:soak` twenty times. LATCHKEY_KILL_SEED repeats a run: the same
// people at the same times, as far as processes that run side by side can be repeated.

const given = Number(process.env.LATCHKEY_KILL_SEED ?? Math.floor(Math.random() * 1e9))
const seeds = Array.from({ length: process.env.MODE === 'soak' ? 10 : 1 }, (_, n) => given + n)

/** What the server has told people; of all else it may have done either. */
interface Acknowledged {
  /** Who is signed in, by session cookie. */
  readonly in: Map<string, string>
  /** Session cookies of those who have signed out. */
  readonly out: Set<string>
}

const nicknames = Array.from({ length: 400 }, (_, n) => `person-${n}`)
let emulator: BitbucketEmulator
beforeAll(async () => {
  const people = nicknames.map((nickname) => ({ nickname }))
  emulator = await startBitbucketEmulator({ seed: { people } })
})
afterAll(() => emulator.close())

describe('a server that is killed again and again', () => {
  it.each(seeds)(
    'keeps every sign-in and every sign-out that it has acknowledged, and nothing by halves (seed %i)',
    async (seed) => {
      const random = createRandom(seed)
      const file = temporaryFile()
      const acknowledged: Acknowledged = { in: new Map(), out: new Set() }
      const strangers = [...nicknames]
      /** Of two people one has never been here, as long as there are such. */
      const nextPerson = (): string => {
        const known = nicknames.slice(strangers.length)
        const isNew = known.length === 0 || random() < 0.5
        return (isNew ? strangers.pop() : undefined) ?? pick(known, random)
      }
      for (const place of [...places, ...places]) {
        const death = { place, times: 1 + Math.floor(random() * 12) }
        const server = await startChild({ file, emulatorUrl: emulator.url, death })
        await expectKept(server, acknowledged)
        server.process.send('now')
        const clients = [0, 1, 2, 3].map(() => comeAndGo(server, acknowledged, nextPerson, random))
        expect(await Promise.all(clients), place).not.toContain('tired')
        expect(await server.ended).toBe('SIGKILL')
        expectWhole(file, acknowledged)
      }
      expect(acknowledged.in.size).toBeGreaterThan(places.length)
      expect(acknowledged.out.size).toBeGreaterThan(places.length)
      await expectKept(await startChild({ file, emulatorUrl: emulator.url }), acknowledged)
    },
    300_000,
  )
})

/** Signs people in and out, one after the other, until the server is gone or a client is tired of it. */
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

/** No answer, because the connection or the server has gone. Anything else is a failure. */
function nullIfGone(error: { syscall?: string; code?: string }): null {
  if (error.code === 'ECONNRESET' || error.syscall !== undefined) return null
  throw error
}

/** Every cookie opens what it opened, and none that was given up opens anything. */
async function expectKept({ app }: Child, acknowledged: Acknowledged): Promise<void> {
  const whoIs = async (cookie: string): Promise<unknown> => {
    const answer = await app.inject({ url: '/auth/session', headers: { cookie } })
    return answer.json().user?.name ?? null
  }
  const { in: present, out: left } = acknowledged
  expect(await Promise.all([...present.keys()].map(whoIs))).toEqual([...present.values()])
  expect(new Set(await Promise.all([...left].map(whoIs)))).toEqual(
    new Set(left.size > 0 ? [null] : []),
  )
}

/** What SQL has to say about the file, before anybody has opened it again. */
function expectWhole(file: string, acknowledged: Acknowledged): void {
  const database = new DatabaseSync(file)
  const all = (sql: string): unknown[] => database.prepare(sql).all()
  expect(all('pragma integrity_check')).toEqual([{ integrity_check: 'ok' }])
  expect(all('pragma foreign_key_check')).toEqual([])
  const counts = `select (select count(*) from latchkey_users) as users,
    (select count(*) from latchkey_identities) as identities,
    (select count(distinct user_id) from latchkey_identities) as people`
  const [{ users, identities, people: distinct }] = all(counts) as [Record<string, number>]
  expect([identities, distinct]).toEqual([users, users])
  const sessions = new Set(
    all('select id from latchkey_sessions').map((row) => (row as { id: string }).id),
  )
  database.close()
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

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
