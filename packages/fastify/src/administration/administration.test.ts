import { DatabaseSync } from 'node:sqlite'
import type { FastifyInstance } from 'fastify'
import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  bitbucket,
  type LatchkeyOptions,
  type ManagedUser,
  type PageOptions,
  type Provider,
} from '../index.ts'
import { postgres } from '../store/postgres.ts'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, countRows, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'
import { settled } from '../testing/observed-store.ts'
import { emptyDatabase } from '../testing/postgres.ts'

const emulator = setUpEmulator()
const MINUTE = 60 * 1000
const noon = Date.UTC(2027, 5, 15, 12)

async function signedIn(app: FastifyInstance, person = 'ada'): Promise<Browser> {
  const browser = createBrowser(app)
  await browser.signIn(person)
  return browser
}

const isIn = async (browser: Browser): Promise<boolean> =>
  (await browser.get('/api/me')).statusCode === 200

const idOf = async (browser: Browser): Promise<string> =>
  (await browser.get('/auth/session')).json().user.id

interface Line {
  readonly event?: string
  readonly [name: string]: unknown
}

/** Returns an application and those of its log lines that have an `event`. */
async function build(
  options: LatchkeyOptions = {},
): Promise<{ app: FastifyInstance; lines: Line[] }> {
  const lines: Line[] = []
  const write = (text: string): void => {
    const line: Line = JSON.parse(text)
    if (line.event !== undefined) lines.push(line)
  }
  return { app: await buildApp(emulator(), options, { write }), lines }
}

/** Inserts users, two per millisecond, so that pages must also sort by id. */
function insertUsers(file: string, count: number): void {
  const database = new DatabaseSync(file)
  const insert = database.prepare(
    'insert into latchkey_users (id, name, email_verified, created_at) values (?, ?, 0, ?)',
  )
  database.exec('begin')
  for (let index = 0; index < count; index++) {
    insert.run(crypto.randomUUID(), `Person ${index}`, noon + Math.floor(index / 2))
  }
  database.exec('commit')
  database.close()
}

describe('users.get and users.list', () => {
  it('returns a user by id with the documented fields only, or null', async () => {
    const { app } = await build({ clock: () => noon })
    const id = await idOf(await signedIn(app))
    const user = await app.latchkey.users.get(id)
    expect(user).toEqual({
      id,
      name: 'Ada Test',
      email: expect.stringMatching(/^ada@/),
      emailVerified: true,
      avatarUrl: expect.stringMatching(/^https:/),
      createdAt: noon,
      bannedAt: null,
      roles: [],
    })
    expectTypeOf(user).toEqualTypeOf<ManagedUser | null>()
    expect(await app.latchkey.users.get('nobody')).toBeNull()
    expect(await app.latchkey.users.get('')).toBeNull()
  })

  it('returns each of 2,500 users once, in pages, newest first', async () => {
    const file = temporaryFile()
    const { app } = await build({ store: sqlite(file) })
    insertUsers(file, 2500)
    const walked: ManagedUser[] = []
    const sizes: number[] = []
    let cursor: string | null | undefined
    do {
      const page = await app.latchkey.users.list({ limit: 1000, cursor })
      walked.push(...page.users)
      sizes.push(page.users.length)
      cursor = page.nextCursor
    } while (cursor !== null)
    expect(sizes).toEqual([1000, 1000, 500])
    expect(new Set(walked.map(({ id }) => id)).size).toBe(2500)
    const times = walked.map(({ createdAt }) => createdAt)
    expect(times).toEqual(times.toSorted((a, b) => b - a))
  })

  it('does not skip or repeat a user when users are created and deleted between pages', async () => {
    const file = temporaryFile()
    const { app } = await build({ store: sqlite(file), clock: () => noon + MINUTE })
    insertUsers(file, 10)
    const { users } = app.latchkey
    const all = (await users.list()).users.map(({ id }) => id)
    const first = await users.list({ limit: 4 })
    await users.delete(all[3] ?? '')
    await users.delete(all[5] ?? '')
    await users.create({ name: 'Newest' })
    const second = await users.list({ limit: 100, cursor: first.nextCursor })
    expect(second.users.map(({ id }) => id)).toEqual([all[4], ...all.slice(6)])
    expect(second.nextCursor).toBeNull()
  })

  it('returns 100 users per page by default, and at most one empty page at the end', async () => {
    const file = temporaryFile()
    const { app } = await build({ store: sqlite(file) })
    expect(await app.latchkey.users.list()).toEqual({ users: [], nextCursor: null })
    insertUsers(file, 200)
    const first = await app.latchkey.users.list()
    const second = await app.latchkey.users.list({ cursor: first.nextCursor })
    expect([first.users.length, second.users.length]).toEqual([100, 100])
    const third = await app.latchkey.users.list({ cursor: second.nextCursor })
    expect(third).toEqual({ users: [], nextCursor: null })
  })

  it.each([0, 1001, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '10', null])(
    'rejects a limit of %s',
    async (limit) => {
      const { app } = await build()
      const page = { limit } as PageOptions
      const error = {
        name: 'LatchkeyError',
        code: 'LATCHKEY_ARGUMENT_INVALID',
        message:
          '`limit` must be a whole number from 1 to 1000. See docs/reference/errors.md#latchkey_argument_invalid',
      }
      await expect(app.latchkey.users.list(page)).rejects.toMatchObject(error)
      await expect(app.latchkey.sessions.list('a', page)).rejects.toMatchObject(error)
    },
  )

  const encoded = (text: string): string => Buffer.from(text).toString('base64url')
  it.each([
    ['an empty string', ''],
    ['a number', 7],
    ['an object', { id: 'a', createdAt: 1 }],
    ['a word', 'next'],
    ['an id alone', encoded('a')],
    ['a time alone', encoded('1.')],
    ['an invalid time', encoded('x.a')],
    ['an infinite time', encoded('Infinity.a')],
    ['a time that is too long', encoded(`${'9'.repeat(17)}.a`)],
    ['an SQL statement', encoded("1.a' or 1=1 --")],
    ['a wildcard', encoded('1.%')],
    ['NUL', encoded('1.\0')],
    ['two lines', encoded('1.a\n')],
    ['10 kB', encoded(`1.${'a'.repeat(10_000)}`)],
    ['JSON', encoded('{"createdAt":1,"id":"a"}')],
  ])('rejects a cursor that is %s', async (_, cursor) => {
    const { app } = await build()
    const page = { cursor } as PageOptions
    const error = {
      name: 'LatchkeyError',
      code: 'LATCHKEY_ARGUMENT_INVALID',
      message:
        '`cursor` must be the `nextCursor` of the previous page. Omit it for the first page. See docs/reference/errors.md#latchkey_argument_invalid',
    }
    await expect(app.latchkey.users.list(page)).rejects.toMatchObject(error)
    await expect(app.latchkey.sessions.list('a', page)).rejects.toMatchObject(error)
  })
})

describe('an invalid argument', () => {
  it('is rejected, so that a misspelled field does not return the first page forever', async () => {
    const { app } = await build()
    const { users, sessions } = app.latchkey
    for (const page of [{ offset: 3 }, 3, 'next'] as unknown as PageOptions[]) {
      await expect(users.list(page)).rejects.toThrow(/contains only `limit` and `cursor`/)
      await expect(sessions.list('a', page)).rejects.toThrow(/contains only `limit` and `cursor`/)
    }
    await expect(users.create({ name: 5 as unknown as string })).rejects.toThrow(/must be strings/)
    await expect(users.create({ email: 'a\0b' })).rejects.toThrow(/must be strings/)
    const on = app.latchkey.on as (event: string, listener: unknown) => unknown
    expect(() => on('signin', () => {})).toThrow(
      /requires an event \(sign-in, sign-in-failed, sign-out/,
    )
    expect(() => on('sign-in', undefined)).toThrow(/and a function/)
  })

  it('from a request makes the route respond with 400 or 404, not with 503', async () => {
    const { app } = await build()
    app.get<{ Querystring: { cursor?: string } }>('/admin/users', ({ query }) =>
      app.latchkey.users.list(query),
    )
    app.post<{ Params: { id: string } }>('/admin/users/:id/ban', async ({ params }) => {
      await app.latchkey.users.ban(params.id)
    })
    expect((await app.inject('/admin/users?cursor=next')).statusCode).toBe(400)
    const ban = await app.inject({ method: 'POST', url: '/admin/users/a%00b/ban' })
    expect([ban.statusCode, ban.json().message]).toEqual([
      404,
      'No user has this id. See docs/reference/errors.md#latchkey_unknown_user',
    ])
  })
})

describe('sessions.list', () => {
  it('returns the user’s own sessions in pages, newest first, without expired ones', async () => {
    let now = noon
    const session = { idleTimeout: 10 * MINUTE }
    const { app } = await build({ session, clock: () => now })
    const browser = await signedIn(app)
    const userId = await idOf(browser)
    await signedIn(app, 'ben')
    now += 5 * MINUTE
    for (let index = 0; index < 4; index++) {
      now += 1
      await app.latchkey.sessions.create(userId)
    }
    const { sessions } = app.latchkey
    const all = await sessions.list(userId)
    expect(all.nextCursor).toBeNull()
    expect(all.sessions.map(({ createdAt }) => createdAt - noon)).toEqual([
      300_004, 300_003, 300_002, 300_001, 0,
    ])
    expect(all.sessions[0]).toEqual({
      id: expect.stringMatching(/^[\w-]{22}$/),
      provider: null,
      createdAt: now,
      authenticatedAt: now,
      expiresAt: now + 30 * 24 * 60 * MINUTE,
      device: null,
      lastUsedAt: now,
    })
    const first = await sessions.list(userId, { limit: 3 })
    const second = await sessions.list(userId, { limit: 3, cursor: first.nextCursor })
    expect([...first.sessions, ...second.sessions]).toEqual(all.sessions)
    expect(second.nextCursor).toBeNull()

    now = noon + 10 * MINUTE
    expect((await sessions.list(userId)).sessions).toHaveLength(4)
    expect(await sessions.list('nobody')).toEqual({ sessions: [], nextCursor: null })
  })
})

describe('revoking sessions', () => {
  it('revokes only one session, only a user’s sessions, or all sessions', async () => {
    const { app, lines } = await build()
    const [first, second] = [await signedIn(app), await signedIn(app)]
    const ben = await signedIn(app, 'ben')
    const userId = await idOf(first)
    const sessionId = (await first.get('/auth/session')).json().session.id
    const { sessions } = app.latchkey
    const left = (): Promise<boolean[]> => Promise.all([first, second, ben].map(isIn))

    await sessions.revoke(sessionId)
    expect(await left()).toEqual([false, true, true])
    await first.signIn('ada')
    await sessions.revokeAll(userId)
    expect(await left()).toEqual([false, false, true])
    await first.signIn('ada')
    await sessions.revokeEverything()
    expect(await left()).toEqual([false, false, false])
    expect(lines.filter(({ event }) => event?.endsWith('-revoked'))).toEqual([
      expect.objectContaining({ event: 'session-revoked', sessionId }),
      expect.objectContaining({ event: 'sessions-revoked', userId }),
      expect.objectContaining({ event: 'sessions-revoked', level: 40 }),
    ])
  })

  it('is a no-op for an unknown session or user', async () => {
    const { app } = await build()
    const browser = await signedIn(app)
    for (const id of ['A'.repeat(22), '', '%', "' or 1=1 --"]) {
      await app.latchkey.sessions.revoke(id)
      await app.latchkey.sessions.revokeAll(id)
    }
    expect(await isIn(browser)).toBe(true)
  })
})

/** The moments of a sign-in at which another server bans or deletes the user. */
const moments = [
  ['while the browser is at the provider', 'away'],
  ['before the profile is read', 'asked'],
  ['after the profile is read', 'told'],
  ['just after the sign-in', 'in'],
] as const

/** Signs Ada in for the second time, and calls `happen` at a moment of that sign-in. */
async function signInBeside(
  file: string,
  moment: (typeof moments)[number][1],
  happen: (userId: string) => Promise<void>,
): Promise<{ browser: Browser; userId: string }> {
  const real = bitbucket({ emulatorUrl: emulator().url })
  let userId = ''
  let happening: Promise<void> | undefined
  const at = (place: typeof moment): Promise<void> | undefined => {
    if (place === moment && userId !== '') happening = happen(userId)
    return happening
  }
  const provider: Provider = {
    ...real,
    async clientSecret() {
      await at('asked')
      return String(real.clientSecret)
    },
    profile(answers) {
      void at('told')
      return real.profile(answers)
    },
  }
  const { app } = await build({ store: sqlite(file), providers: [provider] })
  app.latchkey.on('sign-in', () => void at('in'))
  userId = await idOf(await signedIn(app))
  const browser = createBrowser(app)
  const callback = await browser.consent(await browser.start(), { user: 'ada' })
  await at('away')
  await browser.get(callback)
  await happening
  return { browser, userId }
}

describe('a user who is banned', () => {
  it('is signed out on every server immediately, and cannot sign in until unbanned', async () => {
    let now = noon
    const file = temporaryFile()
    const clock = (): number => now
    const { app, lines } = await build({ store: sqlite(file), clock })
    const { app: other } = await build({ store: sqlite(file), clock })
    const [here, there, ben] = [
      await signedIn(app),
      await signedIn(other),
      await signedIn(app, 'ben'),
    ]
    const userId = await idOf(here)
    expect(await Promise.all([here, there, ben].map(isIn))).toEqual([true, true, true])
    now += MINUTE
    await app.latchkey.users.ban(userId)
    expect(await Promise.all([here, there, ben].map(isIn))).toEqual([false, false, true])
    expect((await app.latchkey.users.get(userId))?.bannedAt).toBe(now)

    const banned = now
    for (const [server, browser] of [
      [app, here],
      [other, createBrowser(other)],
    ] as const) {
      const callback = await browser.signIn('ada')
      expect(callback.headers.location).toBe('/auth/sign-in?auth_error=user_banned')
      const page = await browser.get(String(callback.headers.location))
      expect(page.body).toContain('This account has been suspended.')
      expect(await isIn(browser)).toBe(false)
      expect(await server.latchkey.sessions.list(userId)).toEqual({
        sessions: [],
        nextCursor: null,
      })
    }
    now += MINUTE
    await other.latchkey.users.ban(userId)
    expect((await app.latchkey.users.get(userId))?.bannedAt).toBe(banned)

    await app.latchkey.users.unban(userId)
    await app.latchkey.users.unban(userId)
    expect((await app.latchkey.users.get(userId))?.bannedAt).toBeNull()
    expect(await isIn(here)).toBe(false)
    await there.signIn('ada')
    expect([await isIn(there), await idOf(there)]).toEqual([true, userId])
    expect(lines.filter(({ event }) => event?.startsWith('user'))).toEqual([
      expect.objectContaining({ level: 30, event: 'user-banned', userId }),
      expect.objectContaining({ level: 30, event: 'user-unbanned', userId }),
      expect.objectContaining({ level: 30, event: 'user-unbanned', userId }),
    ])
  })

  it.each(moments)('%s is signed out', async (_, moment) => {
    const file = temporaryFile()
    const { app: other } = await build({ store: sqlite(file) })
    const ban = (userId: string): Promise<void> => other.latchkey.users.ban(userId)
    const { browser } = await signInBeside(file, moment, ban)
    expect(await isIn(browser)).toBe(false)
    expect(countRows(file, 'sessions')).toBe(0)
    const again = await browser.signIn('ada')
    expect(again.headers.location).toBe('/auth/sign-in?auth_error=user_banned')
  })

  it('stays banned after an attempt to sign in', async () => {
    const { app } = await build()
    const browser = await signedIn(app)
    const userId = await idOf(browser)
    await app.latchkey.users.ban(userId)
    await browser.signIn('ada')
    expect(await app.latchkey.users.get(userId)).toMatchObject({ bannedAt: expect.any(Number) })
  })

  it('gets no session from sessions.create(), because it would become valid after an unban', async () => {
    const { app } = await build()
    const { users, sessions } = app.latchkey
    const { id } = await users.create()
    await users.ban(id)
    await expect(sessions.create(id)).rejects.toMatchObject({ code: 'LATCHKEY_ARGUMENT_INVALID' })
    await users.unban(id)
    expect((await sessions.list(id)).sessions).toEqual([])
  })
})

describe('a user who is deleted', () => {
  it('is signed out on every server, leaves no rows, and signs in again as a new user', async () => {
    const file = temporaryFile()
    const { app, lines } = await build({ store: sqlite(file) })
    const { app: other } = await build({ store: sqlite(file) })
    const [here, there] = [await signedIn(app), await signedIn(other)]
    const userId = await idOf(here)
    expect([await isIn(here), await isIn(there)]).toEqual([true, true])
    await app.latchkey.users.delete(userId)
    expect([await isIn(here), await isIn(there)]).toEqual([false, false])
    for (const table of ['users', 'identities', 'sessions'] as const) {
      expect(countRows(file, table)).toBe(0)
    }
    expect(await app.latchkey.users.get(userId)).toBeNull()
    const heard: boolean[] = []
    app.latchkey.on('sign-in', ({ newUser }) => void heard.push(newUser))
    await here.signIn('ada')
    expect(await idOf(here)).not.toBe(userId)
    expect([heard, await isIn(there)]).toEqual([[true], false])
    await app.latchkey.users.delete(userId)
    expect(await isIn(here)).toBe(true)
    expect(lines.filter(({ event }) => event === 'user-deleted')).toEqual([
      expect.objectContaining({ level: 30, userId }),
      expect.objectContaining({ level: 30, userId }),
    ])
  })

  it.each(moments)('%s either has no rows left or is a new user', async (_, moment) => {
    const file = temporaryFile()
    const { app: other } = await build({ store: sqlite(file) })
    const remove = (userId: string): Promise<void> => other.latchkey.users.delete(userId)
    const { browser, userId } = await signInBeside(file, moment, remove)
    const { user } = (await browser.get('/auth/session')).json()
    const rows = (['users', 'identities', 'sessions'] as const).map((table) =>
      countRows(file, table),
    )
    expect(rows).toEqual(user === null ? [0, 0, 0] : [1, 1, 1])
    expect(user?.id).not.toBe(userId)
  })

  it('after a ban can sign in as a new user', async () => {
    const { app } = await build()
    const browser = await signedIn(app)
    const userId = await idOf(browser)
    await app.latchkey.users.ban(userId)
    await app.latchkey.users.delete(userId)
    await browser.signIn('ada')
    expect(await isIn(browser)).toBe(true)
  })
})

describe('users.update', () => {
  it('stores sorted roles without duplicates, on every server, and logs the change', async () => {
    const file = temporaryFile()
    const { app, lines } = await build({ store: sqlite(file) })
    const { app: other } = await build({ store: sqlite(file) })
    const [here, there] = [await signedIn(app), await signedIn(other)]
    const userId = await idOf(here)
    const roles = ['editor', 'admin']
    const updated = await app.latchkey.users.update(userId, { roles: [...roles, 'editor'] })
    expect(updated).toMatchObject({ id: userId, roles: ['admin', 'editor'] })
    for (const browser of [here, there]) {
      expect((await browser.get('/auth/session')).json().user.roles).toEqual(['admin', 'editor'])
    }
    expect(await other.latchkey.users.update(userId, {})).toEqual(updated)
    expect(lines.find(({ event }) => event === 'user-updated')).toMatchObject({
      userId,
      roles: ['admin', 'editor'],
    })
  })

  it.each([
    [{ roles: 'admin' }, '`roles` must be an array'],
    [{ roles: ['an admin'] }, '`roles` must be an array'],
    [{ roles: [''] }, '`roles` must be an array'],
    [{ roles: ['x'.repeat(65)] }, '`roles` must be an array'],
    [{ roles: Array.from({ length: 101 }, (_, index) => `r${index}`) }, 'at most 100 names'],
    [{ role: 'admin' }, '`role` cannot be changed. The fields are name, roles.'],
  ])('rejects %j', async (changes, message) => {
    const { app } = await build()
    const userId = await idOf(await signedIn(app))
    await expect(app.latchkey.users.update(userId, changes as object)).rejects.toMatchObject({
      code: 'LATCHKEY_ARGUMENT_INVALID',
      message: expect.stringContaining(message),
    })
  })
})

describe('app.latchkey', () => {
  it('rejects an unknown user, except when deleting', async () => {
    const { app } = await build()
    const { users, sessions } = app.latchkey
    const error = {
      code: 'LATCHKEY_UNKNOWN_USER',
      message: 'No user has this id. See docs/reference/errors.md#latchkey_unknown_user',
    }
    await expect(users.ban('nobody')).rejects.toMatchObject(error)
    await expect(users.unban('nobody')).rejects.toMatchObject(error)
    await expect(users.update('nobody', { roles: [] })).rejects.toMatchObject(error)
    await expect(sessions.create('nobody')).rejects.toMatchObject(error)
    await users.delete('nobody')
  })

  it.each(['', 'a\0b', '\ud800', "' or 1 = 1 --", 'x'.repeat(10_000)])(
    'finds no user with the id %j, on any store',
    async (id) => {
      for (const store of [sqlite(':memory:'), postgres(await emptyDatabase())]) {
        const app = await buildApp(emulator(), { store })
        const { users, sessions } = app.latchkey
        expect(await users.get(id)).toBeNull()
        expect(await sessions.list(id)).toEqual({ sessions: [], nextCursor: null })
        await expect(users.ban(id)).rejects.toMatchObject({ code: 'LATCHKEY_UNKNOWN_USER' })
        await sessions.revoke(id)
        await sessions.revokeAll(id)
        await users.delete(id)
      }
    },
  )

  it('rejects a missing id', async () => {
    const { app } = await build()
    const forgotten = undefined as unknown as string
    const { users, sessions } = app.latchkey
    for (const ask of [users.get, users.ban, users.delete, sessions.revoke, sessions.revokeAll]) {
      await expect(ask(forgotten)).rejects.toMatchObject({
        code: 'LATCHKEY_ARGUMENT_INVALID',
        message: 'The id must be a string. See docs/reference/errors.md#latchkey_argument_invalid',
      })
    }
  })

  it('rejects every call with 503 while the store is closed, and changes nothing', async () => {
    const store = sqlite(temporaryFile())
    const { app } = await build({ store })
    const browser = await signedIn(app)
    const userId = await idOf(browser)
    const sessionId = (await browser.get('/auth/session')).json().session.id
    await store.close()
    const { users, sessions } = app.latchkey
    for (const call of [
      () => users.get(userId),
      () => users.list(),
      () => users.create(),
      () => users.ban(userId),
      () => users.unban(userId),
      () => users.delete(userId),
      () => sessions.list(userId),
      () => sessions.create(userId),
      () => sessions.revoke(sessionId),
      () => sessions.revokeAll(userId),
      () => sessions.revokeEverything(),
    ]) {
      await expect(call()).rejects.toMatchObject({
        statusCode: 503,
        code: 'LATCHKEY_UNAVAILABLE',
        message: "This isn't available right now. Try again in a moment.",
      })
    }
    await store.open()
    expect(await isIn(browser)).toBe(true)
    expect((await users.list()).users).toHaveLength(1)
    expect((await sessions.list(userId)).sessions).toHaveLength(1)
  })

  it('logs no names and no e-mail addresses', async () => {
    const lines: string[] = []
    const app = await buildApp(emulator(), {}, { write: (line) => void lines.push(line) })
    const { users, sessions } = app.latchkey
    const person = { name: 'Canary Test', email: 'canary@example.com', emailVerified: true }
    const { id } = await users.create(person)
    const { session, cookie } = await sessions.create(id)
    expect((await app.inject({ url: '/api/me', headers: { cookie } })).body).toContain('Canary')
    await users.get(id)
    await users.list()
    await sessions.list(id)
    await sessions.revoke(session.id)
    await sessions.revokeAll(id)
    await users.ban(id)
    await users.unban(id)
    await users.delete(id)
    await sessions.revokeEverything()
    await settled()
    const log = lines.join('')
    expect(log).toContain('user-deleted')
    expect(log).not.toMatch(/canary/i)
    expect(log).not.toContain(cookie.split('.')[1])
  })

  it('writes every change to disk before acknowledging it', async () => {
    const store = sqlite(':memory:')
    const durabilities: string[] = []
    const watched: typeof store = {
      ...store,
      transaction(durability, work) {
        durabilities.push(durability)
        return store.transaction(durability, work)
      },
    }
    const { app } = await build({ store: watched })
    const { users, sessions } = app.latchkey
    const { id } = await users.create()
    for (const call of [
      () => sessions.revoke('s'),
      () => sessions.revokeAll(id),
      () => sessions.revokeEverything(),
      () => users.ban(id),
      () => users.unban(id),
      () => users.delete(id),
    ]) {
      durabilities.length = 0
      await call()
      expect(durabilities).toEqual(['power-loss'])
    }
  })
})
