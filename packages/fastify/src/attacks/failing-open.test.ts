import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import latchkey, { type Store } from '../index.ts'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, SECRET, setUpEmulator } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'

const emulator = setUpEmulator()

type Answer = Awaited<ReturnType<Store['findSession']>>

/** What a broken store returns instead of the right result. */
type Fault = (answer: NonNullable<Answer>) => unknown

/** An application whose store works until `break` is called. */
async function buildBreakable(): Promise<{
  app: FastifyInstance
  cookie: string
  handled: () => boolean
  break: (fault: Fault) => void
}> {
  // Without `watch`, so that nothing is cached and every request reads the store.
  const { watch: _, ...store } = sqlite(':memory:')
  let fault: Fault | undefined
  let handled = false
  const breakable: Store = {
    ...store,
    async findSession(id) {
      const answer = await store.findSession(id)
      return (fault === undefined || answer === null ? answer : fault(answer)) as Answer
    },
  }
  const app = await buildApp(emulator(), { store: breakable })
  app.get('/guarded', { onRequest: app.latchkey.guard() }, async ({ auth }) => {
    handled = true
    return auth
  })
  const browser = createBrowser(app)
  await browser.signIn('ada')
  return {
    app,
    cookie: browser.cookies(),
    handled: () => handled,
    break: (made) => {
      fault = made
    },
  }
}

describe('a store that fails or returns nonsense', () => {
  it.each<[string, Fault]>([
    ['throws', () => fail(new Error('no'))],
    ['throws a string', () => fail('no')],
    ['throws undefined', () => fail(undefined)],
    ['returns undefined', () => undefined],
    ['returns an error', () => new Error('no')],
    ['returns true', () => true],
    ['returns an empty object', () => ({})],
    ['returns an array', ({ session, user }) => [session, user]],
    ['returns a session without its user', ({ session }) => ({ session })],
    ['returns a user without a session', ({ user }) => ({ user })],
    ['returns an empty user', ({ session }) => ({ session, user: {} })],
    [
      'returns another user’s session',
      ({ session, user }) => ({ session, user: { ...user, id: 'other' } }),
    ],
    [
      'returns another session',
      ({ session, user }) => ({ session: { ...session, id: 'x' }, user }),
    ],
  ])('that %s signs no one in, and causes a 503', async (_what, fault) => {
    const broken = await buildBreakable()
    const headers = { cookie: broken.cookie }
    const get = (url: string) => broken.app.inject({ url, headers })
    expect((await get('/auth/session')).body).toContain('Ada Test')
    broken.break(fault)

    const answers = [await get('/guarded'), await get('/auth/session'), await get('/')]
    for (const answer of answers) {
      expect(answer.statusCode).toBe(503)
      expect(answer.body).not.toContain('Ada Test')
      // Signed-in people are still signed in once the store is back.
      expect(answer.headers['set-cookie']).toBeUndefined()
    }
    expect((await get('/auth/sign-in')).body).not.toContain('Ada Test')
    expect(broken.handled()).toBe(false)
  })

  it.each<[string, Fault]>([
    ['no hash', ({ session, user }) => ({ session: { ...session, secretHash: undefined }, user })],
    ['an empty hash', ({ session, user }) => ({ session: { ...session, secretHash: '' }, user })],
    ['no end', ({ session, user }) => ({ session: { ...session, expiresAt: undefined }, user })],
    [
      'an end that is NaN',
      ({ session, user }) => {
        return { session: { ...session, expiresAt: Number.NaN }, user }
      },
    ],
    [
      'an end that is a string',
      ({ session, user }) => {
        return { session: { ...session, expiresAt: 'never' }, user }
      },
    ],
  ])('that returns a session with %s signs no one in', async (_what, fault) => {
    const broken = await buildBreakable()
    const headers = { cookie: broken.cookie }
    broken.break(fault)
    for (const url of ['/guarded', '/auth/session', '/', '/auth/sign-in']) {
      const answer = await broken.app.inject({ url, headers })
      expect(answer.body).not.toContain('Ada Test')
    }
    expect(broken.handled()).toBe(false)
  })

  it('or a clock that returns NaN signs no one in', async () => {
    let time = Date.now()
    const app = await buildApp(emulator(), { clock: () => time })
    const browser = createBrowser(app)
    await browser.signIn('ada')
    expect((await browser.get('/api/me')).statusCode).toBe(200)
    time = Number.NaN
    expect((await browser.get('/api/me')).statusCode).toBe(401)
  })

  it('that acknowledges a write without writing signs no one in', async () => {
    const store = sqlite(':memory:')
    const forgetful: Store = { ...store, transaction: async () => undefined as never }
    const app = await buildApp(emulator(), { store: forgetful })
    const callback = await createBrowser(app).signIn('ada')
    expect(callback.headers.location).toMatch(/^\/auth\/sign-in\?auth_error=/)
    expect(String(callback.headers['set-cookie'])).not.toMatch(/latchkey-3000=/)
  })
})

describe('a guard', () => {
  it('as a hook on all routes runs before the 404 handler, and for HEAD requests too', async () => {
    const app = await buildApp(emulator())
    app.addHook('onRequest', app.latchkey.guard())
    app.get('/work', async ({ auth }) => auth.user.name)
    expect((await app.inject('/nothing')).statusCode).toBe(401)
    expect((await app.inject({ method: 'HEAD', url: '/work' })).statusCode).toBe(401)
    const browser = createBrowser(app)
    await browser.signIn('ada')
    expect((await browser.get('/nothing')).statusCode).toBe(404)
  })

  it('rejects every request when called with a request instead of options', async () => {
    const app = await buildApp(emulator())
    // TypeScript rejects this call, but JavaScript does not.
    const guard = app.latchkey.guard as (...given: unknown[]) => unknown
    app.get('/work', { onRequest: async (...given) => guard(...given) }, async () => 'work')
    const browser = createBrowser(app)
    await browser.signIn('ada')
    const answer = await browser.get('/work')
    expect(answer.statusCode).toBe(500)
    expect(answer.json().message).toContain('Call it: { onRequest: app.latchkey.guard() }')
  })

  it('from another application does not set request.auth here', async () => {
    const [here, there] = [await buildApp(emulator()), await buildApp(emulator())]
    here.get('/work', { onRequest: there.latchkey.guard() }, async ({ auth }) => auth.user)
    const browser = createBrowser(there)
    await browser.signIn('ada')
    const headers = { cookie: browser.cookies() }
    const answer = await here.inject({ url: '/work', headers })
    expect(answer.statusCode).toBe(500)
    expect(answer.json().code).toBe('LATCHKEY_UNGUARDED')
  })
})

describe('the plugin in the wrong place', () => {
  const apps: FastifyInstance[] = []
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()))
  })

  const fastify = (): FastifyInstance => {
    const app = Fastify()
    apps.push(app)
    return app
  }
  const options = () => ({
    origin: 'http://localhost:3000',
    secret: SECRET,
    store: sqlite(':memory:'),
  })

  it('provides no guard when registered after the routes or without await, and the server does not start', () => {
    const early = fastify()
    expect(() => early.get('/', { onRequest: early.latchkey.guard() }, async () => '')).toThrow()
    const unawaited = fastify()
    unawaited.register(latchkey, options())
    expect(() => unawaited.latchkey.guard()).toThrow()
  })

  it('leaves request.auth unreadable in a route with an optional guard that was added before it', async () => {
    const app = fastify()
    const onRequest = (app as Partial<FastifyInstance>).latchkey?.guard()
    app.get('/work', { ...(onRequest && { onRequest }) }, async ({ auth }) => auth.user)
    await app.register(latchkey, options())
    const user = await app.latchkey.users.create({ name: 'Ada Test' })
    const { cookie } = await app.latchkey.sessions.create(user.id)
    const answer = await app.inject({ url: '/work', headers: { cookie } })
    expect(answer.statusCode).toBe(500)
    expect(answer.json().code).toBe('LATCHKEY_UNGUARDED')
  })

  it('in an encapsulated context guards the routes there, and does not decorate any other context', async () => {
    const app = fastify()
    let cookie = ''
    await app.register(async (context) => {
      await context.register(latchkey, options())
      context.get('/inside', { onRequest: context.latchkey.guard() }, async ({ auth }) => auth.user)
      const user = await context.latchkey.users.create({ name: 'Ada Test' })
      cookie = (await context.latchkey.sessions.create(user.id)).cookie
    })
    app.get('/outside', async ({ auth }) => auth.user)
    expect(() => app.latchkey.guard()).toThrow()
    const headers = { cookie }
    expect((await app.inject({ url: '/inside', headers })).statusCode).toBe(200)
    expect((await app.inject({ url: '/inside' })).statusCode).toBe(401)
    expect((await app.inject({ url: '/outside', headers })).statusCode).toBe(500)
  })
})

function fail(reason: unknown): never {
  throw reason
}
