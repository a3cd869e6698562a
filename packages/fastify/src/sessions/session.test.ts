import { once } from 'node:events'
import { DatabaseSync, StatementSync } from 'node:sqlite'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { LatchkeyOptions, SessionOptions } from '../index.ts'
import { sqlite } from '../store/sqlite.ts'
import type { Store } from '../store/store.ts'
import { buildApp, countRows, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'
import { observed, settled } from '../testing/observed-store.ts'

const emulator = setUpEmulator()
const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const noon = Date.UTC(2027, 5, 15, 12)

/** A clock that the test sets, and a way to build applications that use it. */
function atNoon(): {
  at(time: number): void
  build(options?: LatchkeyOptions): Promise<FastifyInstance>
} {
  let now = noon
  return {
    at(time) {
      now = noon + time
    },
    build: (options) => buildApp(emulator(), { clock: () => now, ...options }),
  }
}

/** Replaces the timers, so that the test controls when a second passes. */
function fakeTimers(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
}

const status = async (browser: Browser): Promise<number> =>
  (await browser.get('/api/me')).statusCode

describe('a session', () => {
  const session: SessionOptions = { idleTimeout: HOUR, lifetime: 10 * HOUR }

  /** Whether the server caches the session or reads it from the store. */
  const memories = [
    ['caches', (store: Store) => store],
    ['does not cache', ({ watch: _, ...store }: Store) => store],
  ] as const

  it.each(memories)(
    'that the server %s ends when it is idle for `idleTimeout`',
    async (_, memory) => {
      const { at, build } = atNoon()
      const app = await build({ session, store: memory(sqlite(':memory:')) })
      const [used, unused] = [createBrowser(app), createBrowser(app)]
      await used.signIn('ada')
      await unused.signIn('ada')
      at(HOUR - 1)
      expect(await status(used)).toBe(200)
      await settled()
      at(HOUR)
      expect([await status(used), await status(unused)]).toEqual([200, 401])
      at(2 * HOUR - 2)
      expect(await status(used)).toBe(200)
      await settled()
      at(3 * HOUR - 2)
      expect(await status(used)).toBe(401)
      // It does not come back when the clock is set back.
      at(3 * HOUR - 3)
      expect(await status(unused)).toBe(401)
    },
  )

  it.each(memories)(
    'that the server %s ends after its lifetime, even if it is in use',
    async (_, memory) => {
      const { at, build } = atNoon()
      const app = await build({ session, store: memory(sqlite(':memory:')) })
      const browser = createBrowser(app)
      await browser.signIn('ada')
      for (let time = 0; time < 10 * HOUR; time += 30 * MINUTE) {
        at(time)
        expect(await status(browser)).toBe(200)
        await settled()
      }
      at(10 * HOUR - 1)
      expect(await status(browser)).toBe(200)
      at(10 * HOUR)
      expect(await status(browser)).toBe(401)
    },
  )

  it('ends according to the current options, not those in effect when it was created', async () => {
    const { at, build } = atNoon()
    const file = temporaryFile()
    const browser = createBrowser(await build({ store: sqlite(file) }))
    await browser.signIn('ada')
    at(30 * MINUTE)
    const headers = { cookie: browser.cookies() }
    const shorter = await build({ store: sqlite(file), session: { lifetime: 30 * MINUTE } })
    expect((await shorter.inject({ url: '/api/me', headers })).statusCode).toBe(401)
    const idler = await build({ store: sqlite(file), session: { idleTimeout: 30 * MINUTE } })
    expect((await idler.inject({ url: '/api/me', headers })).statusCode).toBe(401)
    expect(await status(browser)).toBe(200)
  })

  it('that is active costs the store one write a minute, and no read or write per request', async () => {
    const { at, build } = atNoon()
    const store = observed(sqlite(':memory:'))
    const shortest = { idleTimeout: 5 * MINUTE }
    const browser = createBrowser(await build({ store, session: shortest }))
    await browser.signIn('ada')
    fakeTimers()
    for (let second = 0; second < 600; second++) {
      at(second * SECOND)
      expect(await status(browser)).toBe(200)
      await vi.advanceTimersByTimeAsync(SECOND)
    }
    expect([store.reads, store.notes]).toEqual([1, 9])
  })

  it.each(['/api/me', '/auth/sessions', '/proved'])(
    'used by 50 concurrent requests to %s has its last use stored only once',
    async (path) => {
      const { at, build } = atNoon()
      const store = observed(sqlite(':memory:'))
      const app = await build({ store })
      const onRequest = app.latchkey.guard({ maxAge: 600 })
      app.get('/proved', { onRequest }, async () => 'proved')
      const browser = createBrowser(app)
      await browser.signIn('ada')
      at(5 * MINUTE)
      const answers = await Promise.all(Array.from({ length: 50 }, () => browser.get(path)))
      expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200]))
      await app.close()
      expect(store.notes).toBe(1)
    },
  )

  it('stays active while one long request repeatedly calls getAuth()', async () => {
    const { at, build } = atNoon()
    const app = await build({ session })
    let longRequest: FastifyRequest | undefined
    app.get('/long', async (request) => {
      longRequest = request
      return (await request.getAuth())?.user
    })
    const browser = createBrowser(app)
    await browser.signIn('ada')
    await browser.get('/long')
    for (let time = 0; time < 3 * HOUR; time += 40 * MINUTE) {
      at(time)
      expect(await longRequest?.getAuth()).not.toBeNull()
      await settled()
    }
  })

  it('has its last use stored in the same statement as all other sessions used in that second', async () => {
    const { at, build } = atNoon()
    const real = sqlite(':memory:')
    const statements: number[] = []
    const store: Store = {
      ...real,
      touchSessions(ids, ...note) {
        statements.push(ids.length)
        return real.touchSessions(ids, ...note)
      },
    }
    const app = await build({ store })
    const browsers = Array.from({ length: 20 }, () => createBrowser(app))
    for (const browser of browsers) await browser.signIn('ada')
    fakeTimers()
    for (const minutes of [2, 4]) {
      at(minutes * MINUTE)
      for (const browser of browsers) expect(await status(browser)).toBe(200)
      await vi.advanceTimersByTimeAsync(SECOND)
    }
    expect(statements).toEqual([20, 20])
  })

  it('is reread, not updated again, if another server has already stored its last use', async () => {
    const { at, build } = atNoon()
    const file = temporaryFile()
    const [here, there] = [observed(sqlite(file)), observed(sqlite(file))]
    const apps = [await build({ session, store: here }), await build({ session, store: there })]
    const browser = createBrowser(apps[0] as FastifyInstance)
    await browser.signIn('ada')
    const headers = { cookie: browser.cookies() }
    const ask = async (): Promise<void> => {
      for (const app of apps) {
        expect((await app.inject({ url: '/api/me', headers })).statusCode).toBe(200)
      }
    }
    await ask()
    fakeTimers()
    for (const minutes of [2, 4, 6]) {
      at(minutes * MINUTE)
      const updates = vi.spyOn(StatementSync.prototype, 'all')
      await ask()
      await vi.advanceTimersByTimeAsync(SECOND)
      const updated = updates.mock.results.filter(({ value }, index) => {
        const statement = updates.mock.contexts[index] as StatementSync
        return statement.sourceSQL.startsWith('update latchkey_sessions') && value.length > 0
      })
      updates.mockRestore()
      expect(updated).toHaveLength(1)
    }
    // It is read in one query with all others from that second, and not during a request.
    here.reads = 0
    there.reads = 0
    await ask()
    expect([here.reads, there.reads]).toEqual([0, 0])
  })

  it('used just before a restart does not time out early, but an unused one does time out', async () => {
    const { at, build } = atNoon()
    const file = temporaryFile()
    const first = await build({ session, store: sqlite(file) })
    const [used, unused] = [createBrowser(first), createBrowser(first)]
    await used.signIn('ada')
    await unused.signIn('ada')
    at(50 * MINUTE)
    expect(await status(used)).toBe(200)
    await first.close()
    at(100 * MINUTE)
    const second = await build({ session, store: sqlite(file) })
    const ask = async (browser: Browser): Promise<number> => {
      const answer = await second.inject({ url: '/api/me', headers: { cookie: browser.cookies() } })
      return answer.statusCode
    }
    expect([await ask(used), await ask(unused)]).toEqual([200, 401])
  })

  it('keeps the server from closing until its last use has been stored', async () => {
    const { at, build } = atNoon()
    const real = sqlite(temporaryFile())
    const held = Promise.withResolvers<void>()
    const done: string[] = []
    const store: Store = {
      ...real,
      async touchSessions(...note) {
        await held.promise
        const updated = await real.touchSessions(...note)
        done.push('noted')
        return updated
      },
    }
    const app = await build({ session, store })
    const browser = createBrowser(app)
    await browser.signIn('ada')
    at(50 * MINUTE)
    expect(await status(browser)).toBe(200)
    const closing = app.close().then(() => done.push('closed'))
    await settled()
    expect(done).toEqual([])
    held.resolve()
    await closing
    expect(done).toEqual(['noted', 'closed'])
  })

  it('is still accepted if its last use cannot be stored; logs one warning and stores the use later', async () => {
    const lines: string[] = []
    const real = sqlite(':memory:')
    let isFull = true
    const store: Store = {
      ...real,
      touchSessions: (...note) =>
        isFull ? Promise.reject(new Error('disk full')) : real.touchSessions(...note),
    }
    let now = noon
    const clock = (): number => now
    const write = (line: string): void => void lines.push(line)
    const app = await buildApp(emulator(), { session, store, clock }, { write })
    const browser = createBrowser(app)
    await browser.signIn('ada')
    const noted = (): object[] =>
      lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'session-not-noted')
    const { user } = (await browser.get('/auth/session')).json()
    const lastUsedAt = async (): Promise<number | undefined> =>
      (await real.listSessions(user.id, { limit: 1 }))[0]?.lastUsedAt
    fakeTimers()
    for (let time = 0; time <= HOUR; time += 10 * SECOND) {
      now = noon + time
      expect(await status(browser)).toBe(200)
      await vi.advanceTimersByTimeAsync(10 * SECOND)
    }
    expect(noted()).toHaveLength(1)
    expect(noted()[0]).toMatchObject({ level: 40, reason: 'disk full', sessions: 1 })
    expect(await lastUsedAt()).toBe(noon)
    isFull = false
    await vi.advanceTimersByTimeAsync(SECOND)
    expect(await lastUsedAt()).toBe(noon + HOUR)
    expect(noted()).toHaveLength(1)
  })
})

describe('the session options', () => {
  const SEE = 'See docs/reference/errors.md#latchkey_option_'
  const refusal = async (session: object): Promise<string> => {
    try {
      await buildApp(emulator(), { session })
    } catch (error) {
      return (error as Error).message
    }
    throw new Error('The options were accepted.')
  }

  it.each([
    ['lifetime', 'a number', '30d'],
    ['lifetime', 'whole', 1e9 + 0.5],
    ['lifetime', 'five minutes', 5 * MINUTE - 1],
    ['lifetime', '400 days', 400 * DAY + 1],
    ['lifetime', 'finite', Number.POSITIVE_INFINITY],
    ['idleTimeout', 'five minutes', 200_000],
    ['idleTimeout', '400 days', 400 * DAY + 1],
    ['idleTimeout', 'a number', Number.NaN],
  ])('reject a %s that is not %s, and state the bounds', async (name, _what, value) => {
    expect(await refusal({ [name]: value })).toBe(
      `Option \`session.${name}\` must be a whole number of milliseconds from 300000 to 34560000000. ${SEE}invalid`,
    )
  })

  it.each([0, 101, 1.5, '5', -1])('reject a `maxPerUser` of %s', async (maxPerUser) => {
    expect(await refusal({ maxPerUser })).toBe(
      `Option \`session.maxPerUser\` must be a whole number from 1 to 100. ${SEE}invalid`,
    )
  })

  it('reject an unknown name, and a value that is not an object', async () => {
    expect(await refusal({ maxAge: 1 })).toBe(
      `There is no option \`session.maxAge\`. The options are lifetime, idleTimeout, maxPerUser. ${SEE}unknown`,
    )
    const cure = `Option \`session\` must be an object, such as { lifetime }. ${SEE}invalid`
    for (const session of ['30d', 7, [], () => ({})]) {
      expect(await refusal(session as object)).toBe(cure)
    }
  })

  it('accept the bounds themselves, and undefined values', async () => {
    for (const session of [
      { lifetime: 5 * MINUTE, idleTimeout: 5 * MINUTE, maxPerUser: 1 },
      { lifetime: 400 * DAY, idleTimeout: 400 * DAY, maxPerUser: 100 },
      { lifetime: undefined, idleTimeout: undefined, maxPerUser: undefined },
      undefined,
    ]) {
      const app = await buildApp(emulator(), { session })
      expect(app.hasDecorator('latchkey')).toBe(true)
    }
  })
})

describe('more sessions than `maxPerUser`', () => {
  it('ends the user’s oldest sessions and no others', async () => {
    const { at, build } = atNoon()
    const app = await build({ session: { maxPerUser: 3 } })
    const ben = createBrowser(app)
    await ben.signIn('ben')
    const browsers = Array.from({ length: 5 }, () => createBrowser(app))
    for (const [index, browser] of browsers.entries()) {
      at(index)
      await browser.signIn('ada')
    }
    expect(await Promise.all(browsers.map(status))).toEqual([401, 401, 200, 200, 200])
    expect(await status(ben)).toBe(200)
  })

  it('holds when 20 sessions are created concurrently on two servers', async () => {
    const { at, build } = atNoon()
    const file = temporaryFile()
    const session = { maxPerUser: 3 }
    const apps = [
      await build({ session, store: sqlite(file) }),
      await build({ session, store: sqlite(file) }),
    ]
    await createBrowser(apps[0] as FastifyInstance).signIn('ada')
    at(1)
    const browsers = Array.from({ length: 10 }, () => apps.map((app) => createBrowser(app))).flat()
    const callbacks = await Promise.all(
      browsers.map(async (browser) => browser.consent(await browser.start(), { user: 'ada' })),
    )
    await Promise.all(browsers.map((browser, index) => browser.get(callbacks[index] ?? '')))
    expect(countRows(file, 'sessions')).toBe(3)
    const statuses = await Promise.all(browsers.map(status))
    expect(statuses.filter((code) => code === 200)).toHaveLength(3)
    expect(statuses.filter((code) => code === 401)).toHaveLength(17)
  })

  it('never ends the newest session, even if the clock is behind or has not advanced', async () => {
    const { at, build } = atNoon()
    const file = temporaryFile()
    const session = { maxPerUser: 1 }
    const ahead = await build({ session, store: sqlite(file) })
    const behind = await build({
      session,
      store: sqlite(file),
      clock: () => noon - 90 * SECOND,
    })
    at(0)
    for (const app of [ahead, behind, behind, ahead, ahead, ahead, behind]) {
      const browser = createBrowser(app)
      await browser.signIn('ada')
      expect(await status(browser)).toBe(200)
      expect(countRows(file, 'sessions')).toBe(1)
    }
  })

  it('also applies to sessions that the application creates', async () => {
    const { at, build } = atNoon()
    const app = await build({ session: { maxPerUser: 1 } })
    const { id } = await app.latchkey.users.create()
    const first = await app.latchkey.sessions.create(id)
    at(1)
    const second = await app.latchkey.sessions.create(id)
    const ask = async ({ cookie }: { cookie: string }): Promise<number> =>
      (await app.inject({ url: '/api/me', headers: { cookie } })).statusCode
    expect([await ask(first), await ask(second)]).toEqual([401, 200])
  })
})

describe('signing in again', () => {
  it('replaces the session with one that has a different id and secret, and ends the old one', async () => {
    const file = temporaryFile()
    const app = await buildApp(emulator(), { store: sqlite(file) })
    const browser = createBrowser(app)
    const tokens: string[] = []
    for (const person of ['ada', 'ada', 'ben']) {
      await browser.signIn(person)
      tokens.push(/latchkey-3000=([\w.-]+)/.exec(browser.cookies())?.[1] ?? '')
    }
    const parts = tokens.flatMap((token) => token.split('.'))
    expect(new Set(parts).size).toBe(6)
    for (const [index, token] of tokens.entries()) {
      const headers = { cookie: `latchkey-3000=${token}` }
      const answer = await app.inject({ url: '/api/me', headers })
      expect(answer.statusCode).toBe(index === 2 ? 200 : 401)
    }
    expect(countRows(file, 'sessions')).toBe(1)
    const database = new DatabaseSync(file, { readOnly: true })
    const stored = JSON.stringify(database.prepare('select * from latchkey_sessions').all())
    database.close()
    for (const token of tokens) expect(stored).not.toContain(token.split('.')[1])
  })
})

describe('the name of a device', () => {
  const deviceOf = async (userAgent: string): Promise<unknown> => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    const callback = await browser.consent(await browser.start(), { user: 'ada' })
    await browser.get(callback, { 'user-agent': userAgent })
    const [session] = (await browser.get('/auth/sessions')).json().sessions
    return session.device
  }
  const windows = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64)'
  const mac = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)'
  const iPhone = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X)'
  const android = 'Mozilla/5.0 (Linux; Android 10; K)'
  const webkit = 'AppleWebKit/605.1.15 (KHTML, like Gecko)'
  const chrome = 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0'

  it.each([
    ['Chrome on Windows', `${windows} ${chrome} Safari/537.36`],
    ['Microsoft Edge on Windows', `${windows} ${chrome} Safari/537.36 Edg/141.0.0.0`],
    [
      'Firefox on Windows',
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0',
    ],
    ['Firefox on Linux', 'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0'],
    ['Chrome on Chrome OS', `Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${chrome} Safari/537.36`],
    ['Safari on macOS', `${mac} ${webkit} Version/26.0 Safari/605.1.15`],
    ['Opera on macOS', `${mac} ${chrome} Safari/537.36 OPR/125.0.0.0`],
    ['Vivaldi on macOS', `${mac} ${chrome} Safari/537.36 Vivaldi/7.6.3797.52`],
    ['Safari on iOS', `${iPhone} ${webkit} Version/26.0 Mobile/15E148 Safari/604.1`],
    ['Chrome on iOS', `${iPhone} ${webkit} CriOS/141.0.7390.41 Mobile/15E148 Safari/604.1`],
    ['Firefox on iOS', `${iPhone} ${webkit} FxiOS/144.0 Mobile/15E148 Safari/605.1.15`],
    ['Chrome on Android', `${android} ${chrome} Mobile Safari/537.36`],
    ['Firefox on Android', 'Mozilla/5.0 (Android 16; Mobile; rv:144.0) Gecko/144.0 Firefox/144.0'],
    ['Microsoft Edge on Android', `${android} ${chrome} Mobile Safari/537.36 EdgA/141.0.0.0`],
    [
      'Samsung Internet for Android',
      `${android} AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36`,
    ],
    ['Linux', 'Mozilla/5.0 (X11; Linux x86_64)'],
  ])('is %s', async (device, userAgent) => {
    expect(await deviceOf(userAgent)).toBe(device)
  })

  it.each([
    ['nothing', ''],
    ['a command-line program', 'curl/8.5.0'],
    ['markup', '<script>alert(1)</script>/1.0 <b>'],
    ['a property of every object', 'constructor/1.0'],
    ['10 kB of one letter', 'x'.repeat(10_000)],
    ['10 kB of parentheses', '(('.repeat(5_000)],
    ['10 kB of repeated text', 'Mozilla/5.0 '.repeat(800)],
    ['a browser name after 10 kB of other text', `${'x'.repeat(10_000)} Firefox/144.0`],
  ])('is null if the User-Agent is %s', async (_what, userAgent) => {
    expect(await deviceOf(userAgent)).toBeNull()
  })

  it.each([
    ['Windows', 'This device/1.0 (Windows NT 10.0)'],
    ['Windows', 'Support, call 0900 123/1.0 (Windows NT 10.0)'],
    [
      'Firefox on Windows',
      'Mozilla/5.0 (Windows NT 10.0) <img src=x onerror=alert(1)> Firefox/144.0',
    ],
    ['Linux', 'You have won/1.0 (Linux)'],
  ])('is %s, and never contains an attacker’s own words: %s', async (device, userAgent) => {
    expect(await deviceOf(userAgent)).toBe(device)
  })
})

describe('a long request that repeatedly calls getAuth()', () => {
  it('gets a result again once the store is back', async () => {
    const { watch: _, ...real } = sqlite(':memory:')
    let away = false
    const store: Store = {
      ...real,
      findSession: (id) => (away ? Promise.reject(new Error('away')) : real.findSession(id)),
    }
    const app = await buildApp(emulator(), { store })
    let longRequest: FastifyRequest | undefined
    app.get('/long', async (request) => {
      longRequest = request
      return 'long'
    })
    const browser = createBrowser(app)
    await browser.signIn('ada')
    await browser.get('/long')
    const name = async (): Promise<unknown> => (await longRequest?.getAuth())?.user.name
    expect(await name()).toBe('Ada Test')
    away = true
    await expect(name()).rejects.toMatchObject({ statusCode: 503 })
    away = false
    expect(await name()).toBe('Ada Test')
  })
})

describe('a read that was in progress when its session ended', () => {
  it('aborts the requests that hold the session, with the recorded reason', async () => {
    const file = temporaryFile()
    const store = observed(sqlite(file))
    const app = await buildApp(emulator(), { store })
    const other = await buildApp(emulator(), { store: sqlite(file) })
    const ends: unknown[] = []
    app.latchkey.on('session-ended', ({ reason }) => void ends.push(reason))
    app.get('/long', { onRequest: app.latchkey.guard() }, async ({ auth: { signal } }) => {
      if (!signal.aborted) await once(signal, 'abort')
      return signal.reason.reason
    })
    const browser = createBrowser(other)
    await browser.signIn('ada')
    const { session } = (await browser.get('/auth/session')).json()
    const answer = store.holdNext()
    const asking = app.inject({ url: '/long', headers: { cookie: browser.cookies() } })
    await settled()
    await app.latchkey.sessions.revoke(session.id)
    answer()
    expect((await asking).body).toBe('revoked')
    expect(ends).toEqual(['revoked'])
  })
})
