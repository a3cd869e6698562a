import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { FastifyInstance } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { LatchkeyOptions, Store } from '../index.ts'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'
import { startChild } from '../testing/child.ts'
import { type ObservedStore, observed, settled } from '../testing/observed-store.ts'
import { ending } from '../testing/stored.ts'
import { createSessionCache, type SessionCache } from './session-cache.ts'

const emulator = setUpEmulator()

interface Server {
  readonly app: FastifyInstance
  readonly store: ObservedStore
}

async function buildServer(
  real: Store = sqlite(':memory:'),
  options: LatchkeyOptions = {},
): Promise<Server> {
  const store = observed(real)
  const app = await buildApp(emulator(), { ...options, store })
  return { app, store }
}

async function signedIn(app: Pick<FastifyInstance, 'inject'>, person = 'ada'): Promise<Browser> {
  const browser = createBrowser(app)
  await browser.signIn(person)
  return browser
}

/** Sends a request with a copy of a browser's cookie. */
async function ask(app: Pick<FastifyInstance, 'inject'>, cookie: string): Promise<number> {
  return (await app.inject({ method: 'GET', url: '/api/me', headers: { cookie } })).statusCode
}

describe('a recently read session', () => {
  it('is read from the cache on every route', async () => {
    const { app, store } = await buildServer()
    const browser = await signedIn(app)
    expect((await browser.get('/api/me')).statusCode).toBe(200)
    store.reads = 0
    for (const path of ['/api/me', '/auth/session', '/', '/auth/sign-in', '/api/me']) {
      expect((await browser.get(path)).body).toContain('Ada Test')
    }
    expect(store.reads).toBe(0)
  })

  it('is read from the store once for 50 concurrent requests', async () => {
    const { app, store } = await buildServer()
    const browser = await signedIn(app)
    store.reads = 0
    const answers = await Promise.all(Array.from({ length: 50 }, () => browser.get('/api/me')))
    expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(50)
    expect(store.reads).toBe(1)
  })

  it('is read again by the next request after a failed read', async () => {
    const real = sqlite(':memory:')
    let away = false
    const failing: Store = {
      ...real,
      findSession: (id) => (away ? Promise.reject(new Error('away')) : real.findSession(id)),
    }
    const { app, store } = await buildServer(failing)
    const browser = await signedIn(app)
    away = true
    store.reads = 0
    const answers = await Promise.all(Array.from({ length: 50 }, () => browser.get('/api/me')))
    expect(answers.filter(({ statusCode }) => statusCode === 503)).toHaveLength(50)
    expect(store.reads).toBe(1)
    away = false
    expect((await browser.get('/api/me')).statusCode).toBe(200)
  })

  it('is neither opened nor evicted by a cookie with its id and a wrong secret', async () => {
    const { app, store } = await buildServer()
    const browser = await signedIn(app)
    await browser.get('/api/me')
    const cookie = browser.cookies()
    const [id = ''] = /latchkey-3000=[\w-]+/.exec(cookie) ?? []
    const headers = { cookie: `${id}.${'A'.repeat(43)}` }
    expect((await app.inject({ url: '/api/me', headers })).statusCode).toBe(401)
    store.reads = 0
    expect(await ask(app, cookie)).toBe(200)
    expect(store.reads).toBe(0)
  })

  it('is looked up in the store again if it was missing, because the store may have it by now', async () => {
    const file = temporaryFile()
    const { app, store } = await buildServer(sqlite(file))
    const cookie = (await signedIn(app)).cookies()
    const [, id = ''] = /latchkey-3000=([\w-]+)/.exec(cookie) ?? []
    const found = await store.findSession(id)
    if (found === null) throw new Error('The session is missing.')
    await store.deleteSession(id, ending)
    expect(await ask(app, cookie)).toBe(401)
    await store.insertSession(found.session)
    expect(await ask(app, cookie)).toBe(200)
  })
})

interface Scene {
  readonly app: FastifyInstance
  /** The browser whose session ends. */
  readonly victim: Browser
  /** Another browser of the same person. */
  readonly other: Browser
  readonly userId: string
  readonly sessionId: string
}

/** Everything that ends a session, or stops its cookie from opening it. */
const endings: [string, (scene: Scene) => Promise<unknown>][] = [
  ['signed out', ({ victim }) => victim.post('/auth/sign-out')],
  [
    'signed out from another browser with scope `others`',
    ({ other }) => other.post('/auth/sign-out', { scope: 'others' }),
  ],
  [
    'signed out from another browser with scope `global`',
    ({ other }) => other.post('/auth/sign-out', { scope: 'global' }),
  ],
  [
    'revoked from the list of sessions',
    ({ other, sessionId }) => other.delete(`/auth/sessions/${sessionId}`),
  ],
  ['revoked by the application', ({ app, sessionId }) => app.latchkey.sessions.revoke(sessionId)],
  [
    'revoked with all sessions of its user',
    ({ app, userId }) => app.latchkey.sessions.revokeAll(userId),
  ],
  ['revoked with all sessions of all users', ({ app }) => app.latchkey.sessions.revokeEverything()],
  ['whose user is banned', ({ app, userId }) => app.latchkey.users.ban(userId)],
  ['whose user is deleted', ({ app, userId }) => app.latchkey.users.delete(userId)],
  ['whose secret was rotated', ({ victim }) => victim.post('/auth/sign-out', { scope: 'others' })],
  ['that exceeds `maxPerUser`', ({ app }) => signedIn(app)],
]

/** The third session ends the oldest, which is the victim's. */
const session = { maxPerUser: 2 }

async function setScene(app: FastifyInstance): Promise<Scene & { readonly cookie: string }> {
  const victim = await signedIn(app)
  const cookie = victim.cookies()
  const other = await signedIn(app)
  const me = (await other.get('/auth/session')).json()
  const { sessions } = (await other.get('/auth/sessions')).json()
  const { id } = sessions.find(({ current }: { current: boolean }) => !current)
  return { app, victim, other, cookie, userId: me.user.id, sessionId: id }
}

/** A clock that makes every session newer than the previous one. */
function ticking(): () => number {
  let now = Date.now()
  return () => ++now
}

/** It is not in `endings`, because it waits for any read of the browser's current session to complete. */
const signsInAgain: (typeof endings)[number] = [
  'replaced by a new sign-in in its browser',
  ({ victim }) => victim.signIn('ben'),
]

describe.each([...endings, signsInAgain])('a session %s', (_what, end) => {
  it('is rejected once the response that ended it has arrived', async () => {
    const { app } = await buildServer(undefined, { session, clock: ticking() })
    const scene = await setScene(app)
    expect(await ask(app, scene.cookie)).toBe(200)
    await end(scene)
    expect(await ask(app, scene.cookie)).toBe(401)
  })

  it('is rejected on another server with the same file too', async () => {
    const file = temporaryFile()
    const clock = ticking()
    const { app } = await buildServer(sqlite(file), { session, clock })
    const there = await buildServer(sqlite(file), { session, clock })
    const scene = await setScene(app)
    expect(await ask(there.app, scene.cookie)).toBe(200)
    there.store.reads = 0
    expect(await ask(there.app, scene.cookie)).toBe(200)
    expect(there.store.reads).toBe(0)
    await end(scene)
    expect(await ask(there.app, scene.cookie)).toBe(401)
  })
})

describe('a read in progress for 50 requests', () => {
  it.each(endings)('is not cached for a session %s before it completes', async (_what, end) => {
    const { app, store } = await buildServer(undefined, { session, clock: ticking() })
    const scene = await setScene(app)
    store.reads = 0
    const answer = store.holdNext()
    const asking = Promise.all(Array.from({ length: 50 }, () => ask(app, scene.cookie)))
    await settled()
    expect(store.reads).toBe(1)
    await end(scene)
    expect(await ask(app, scene.cookie)).toBe(401)
    answer()
    await asking
    expect(await ask(app, scene.cookie)).toBe(401)
  })

  it('is cached if only another user’s session ends in the meantime', async () => {
    const { app, store } = await buildServer()
    const [browser, other] = [await signedIn(app), await signedIn(app, 'ben')]
    const answer = store.holdNext()
    const asking = ask(app, browser.cookies())
    await settled()
    await other.post('/auth/sign-out')
    answer()
    expect(await asking).toBe(200)
    store.reads = 0
    expect(await ask(app, browser.cookies())).toBe(200)
    expect(store.reads).toBe(0)
  })
})

describe('a session that another process ends', () => {
  it('is rejected by this process once the other process has responded', async () => {
    const file = temporaryFile()
    const child = await startChild({ file, emulatorUrl: emulator().url })
    const { app } = await buildServer(sqlite(file))
    for (const [path, body] of [
      ['/auth/sign-out', {}],
      ['/auth/sign-out', { scope: 'others' }],
      ['/auth/sign-out', { scope: 'global' }],
    ] as const) {
      const browser = await signedIn(child.app)
      const cookie = browser.cookies()
      expect([await ask(app, cookie), await ask(app, cookie)]).toEqual([200, 200])
      expect((await browser.post(path, body)).statusCode).toBe(204)
      expect(await ask(app, cookie)).toBe(401)
    }
  })

  it('is rejected by that process, however this process ended it', async () => {
    const file = temporaryFile()
    const child = await startChild({ file, emulatorUrl: emulator().url })
    const { app } = await buildServer(sqlite(file), { session })
    for (const [, end] of [...endings, signsInAgain]) {
      const scene = await setScene(app)
      expect([await ask(child.app, scene.cookie), await ask(child.app, scene.cookie)]).toEqual([
        200, 200,
      ])
      await end(scene)
      expect(await ask(child.app, scene.cookie)).toBe(401)
      await app.latchkey.users.delete(scene.userId)
    }
  })
})

describe('a user whose name changes during a sign-in elsewhere', () => {
  const rename = async (app: FastifyInstance): Promise<void> => {
    const body = {
      type: 'user',
      uuid: '{87bb15eb-47c1-49b3-9f16-ca824a2979a4}',
      account_status: 'active',
      display_name: 'Renamed',
    }
    emulator().answerNext('GET /2.0/user', { body })
    await signedIn(app)
  }
  const setPerson = async (app: FastifyInstance): Promise<Browser> => {
    const body = {
      type: 'user',
      uuid: '{87bb15eb-47c1-49b3-9f16-ca824a2979a4}',
      account_status: 'active',
      display_name: 'First Name',
    }
    emulator().answerNext('GET /2.0/user', { body })
    return signedIn(app)
  }
  const nameOf = async (browser: Browser): Promise<string> =>
    (await browser.get('/api/me')).json().user.name

  it('has the new name immediately, even if a read of the old name was in progress', async () => {
    const { app, store } = await buildServer()
    const browser = await setPerson(app)
    const answer = store.holdNext()
    const asking = nameOf(browser)
    await settled()
    await rename(app)
    answer()
    expect(await asking).toBe('First Name')
    expect(await nameOf(browser)).toBe('Renamed')
  })

  it('has the new name on another server with the same file', async () => {
    const file = temporaryFile()
    const [here, there] = [await buildServer(sqlite(file)), await buildServer(sqlite(file))]
    const browser = await setPerson(here.app)
    expect(await nameOf(browser)).toBe('First Name')
    await rename(there.app)
    expect(await nameOf(browser)).toBe('Renamed')
  })
})

describe('more sessions than the cache holds', () => {
  const MOST = 50_000

  async function fillCache(): Promise<{
    cache: SessionCache
    store: Store
    /** Adds sessions that are not requested again. @returns the values of their cookies */
    add(count: number): Promise<string[]>
  }> {
    const store = sqlite(':memory:')
    await store.open()
    onTestFinished(() => store.close())
    const watch = store.watch?.(
      (change) => cache.forget(change),
      () => undefined,
    )
    const cache = createSessionCache(watch)
    let added = 0
    const user = {
      id: 'a',
      name: null,
      email: null,
      emailVerified: false,
      avatarUrl: null,
      createdAt: 0,
      roles: [],
    }
    const one = async (): Promise<string> => {
      const id = String(added++)
      const session = { id, provider: null, createdAt: 0, authenticatedAt: 0, expiresAt: 0 }
      const token = `${id}.secret`
      await cache.fill(token, async () => ({
        auth: { user, session },
        secretHash: 'hash',
        until: Number.POSITIVE_INFINITY,
        touchAt: Number.POSITIVE_INFINITY,
        readAt: 0,
        isHeld: false,
      }))
      return token
    }
    return {
      cache,
      store,
      async add(count) {
        const tokens: string[] = []
        while (tokens.length < count) tokens.push(await one())
        return tokens
      },
    }
  }

  it('free their memory each time they are removed', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const { add, cache, store } = await fillCache()
    const comeAndGo = async (): Promise<void> => {
      const [first = ''] = await add(1000)
      expect(cache.get(first)).toBeDefined()
      await store.deleteAllSessions(ending)
      expect(cache.get(first)).toBeUndefined()
    }
    await comeAndGo()
    collect()
    const before = process.memoryUsage().heapUsed
    for (let again = 0; again < 60; again++) await comeAndGo()
    collect()
    // All of them together would take up 30 MB.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(8e6)
  })

  it('fill the cache up to its limit', async () => {
    const { cache, add } = await fillCache()
    const tokens = await add(MOST + 1234)
    expect(tokens.filter((token) => cache.get(token) !== undefined)).toHaveLength(MOST)
  })

  it('do not evict sessions that are being used, no matter how many are added', async () => {
    const { cache, add } = await fillCache()
    const inUse = await add(100)
    for (let flood = 0; flood < 15; flood++) {
      await add(MOST / 5)
      expect(inUse.filter((token) => cache.get(token) === undefined)).toEqual([])
    }
  })

  it('use the space of sessions that have ended', async () => {
    const { cache, add } = await fillCache()
    const [first = '', ...others] = await add(MOST)
    await cache.fill(first, async () => null)
    expect(cache.get(first)).toBeUndefined()
    const [next = ''] = await add(1)
    const gone = [...others, next].filter((token) => cache.get(token) === undefined)
    expect(gone).toEqual([])
  })
})

describe('a cached session', () => {
  it('is not used while the clock shows a time before it was read', async () => {
    let now = Date.now()
    const { app, store } = await buildServer(undefined, { clock: () => now })
    const browser = await signedIn(app)
    await browser.get('/api/me')
    store.reads = 0
    now -= 1
    expect((await browser.get('/api/me')).statusCode).toBe(200)
    expect(store.reads).toBe(1)
    now += 1
    expect((await browser.get('/api/me')).statusCode).toBe(200)
    expect(store.reads).toBe(1)
  })

  it('is never read again just because it is old', async () => {
    let now = Date.now()
    const { app, store } = await buildServer(undefined, { clock: () => now })
    const browser = await signedIn(app)
    store.reads = 0
    for (let day = 0; day < 29; day++) {
      expect((await browser.get('/api/me')).statusCode).toBe(200)
      now += 24 * 60 * 60 * 1000
    }
    expect(store.reads).toBe(1)
  })

  it('is not used while the store may have missed a change, and is used again later', async () => {
    const real = sqlite(':memory:')
    const hearing = { isCurrent: true }
    const { app, store } = await buildServer({ ...real, watch: watchBy(real, hearing) })
    const [known, unknown] = [await signedIn(app), await signedIn(app, 'ben')]
    await known.get('/api/me')
    hearing.isCurrent = false
    store.reads = 0
    for (let request = 1; request <= 3; request++) {
      expect((await known.get('/api/me')).statusCode).toBe(200)
      expect((await unknown.get('/api/me')).statusCode).toBe(200)
      expect(store.reads).toBe(2 * request)
    }
    // The store reports this change once it is current again.
    await known.post('/auth/sign-out')
    hearing.isCurrent = true
    store.reads = 0
    expect((await unknown.get('/api/me')).statusCode).toBe(200)
    expect(store.reads).toBe(0)
    expect((await known.get('/api/me')).statusCode).toBe(401)
  })

  it('does not share an earlier read while the store may have missed a change', async () => {
    const real = sqlite(':memory:')
    const hearing = { isCurrent: false }
    const { app, store } = await buildServer({ ...real, watch: watchBy(real, hearing) })
    const browser = await signedIn(app)
    store.reads = 0
    const answer = store.holdNext()
    const early = browser.get('/api/me')
    await settled()
    await app.latchkey.sessions.revokeEverything()
    expect((await browser.get('/api/me')).statusCode).toBe(401)
    answer()
    expect((await early).statusCode).toBe(200)
    hearing.isCurrent = true
    expect((await browser.get('/api/me')).statusCode).toBe(401)
  })

  it('is not opened by its old secret once the new one has been used, even if no change was reported', async () => {
    const file = temporaryFile()
    const here = await buildApp(emulator(), { store: sqlite(file) })
    const real = sqlite(file)
    const deaf: Watching = () => ({
      isCurrent: () => true,
      isFollowing: () => true,
      attend: () => () => undefined,
      stop: () => undefined,
    })
    const { app } = await buildServer({ ...real, watch: deaf })
    const browser = await signedIn(here)
    const old = browser.cookies()
    expect(await ask(app, old)).toBe(200)
    await browser.post('/auth/sign-out', { scope: 'others' })
    expect(await ask(app, old)).toBe(200)
    expect(await ask(app, browser.cookies())).toBe(200)
    expect(await ask(app, old)).toBe(401)
  })

  it('does not exist if the store cannot be watched', async () => {
    const { watch: _, ...real } = sqlite(':memory:')
    const { app, store } = await buildServer(real)
    const browser = await signedIn(app)
    store.reads = 0
    for (let request = 1; request <= 3; request++) {
      expect((await browser.get('/api/me')).statusCode).toBe(200)
      expect(store.reads).toBe(request)
    }
  })

  it('is watched until the server closes', async () => {
    const real = sqlite(':memory:')
    let stopped = 0
    const watch: Store['watch'] = (forget, warn) => {
      const found = watchOf(real, forget, warn)
      const stop = (): void => {
        stopped++
        found.stop()
      }
      return { ...found, stop }
    }
    const { app } = await buildServer({ ...real, watch })
    await signedIn(app)
    expect(stopped).toBe(0)
    await app.close()
    expect(stopped).toBe(1)
  })
})

type Watching = NonNullable<Store['watch']>

function watchOf(store: Store, ...listeners: Parameters<Watching>): ReturnType<Watching> {
  if (store.watch === undefined) throw new Error('the store cannot be watched')
  return store.watch(...listeners)
}

/**
 * Watches a store, but also returns `false` from `isCurrent()` while `less.isCurrent` is `false`.
 */
function watchBy(store: Store, less: { isCurrent: boolean }): Watching {
  return (forget, warn) => {
    const watch = watchOf(store, forget, warn)
    return { ...watch, isCurrent: () => less.isCurrent && watch.isCurrent() }
  }
}
