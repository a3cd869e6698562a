import Fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { buildApp, setUpEmulator } from './testing/app.ts'
import { createBrowser } from './testing/browser.ts'

const emulator = setUpEmulator()

describe('a guarded route', () => {
  it('answers who is signed out with 401 and a code, and runs nothing', async () => {
    const app = await buildApp(emulator())
    let ran = false
    app.get('/secret', { onRequest: app.latchkey.guard() }, async () => {
      ran = true
      return 'secret'
    })
    const answer = await app.inject('/secret')
    expect(answer.statusCode).toBe(401)
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.json()).toEqual({
      error: { code: 'unauthenticated', message: 'Please sign in first.' },
    })
    expect(ran).toBe(false)
  })

  it('may be a whole scope', async () => {
    const app = await buildApp(emulator())
    await app.register(async (scope) => {
      scope.addHook('onRequest', scope.latchkey.guard())
      scope.get('/inside', async ({ auth }) => auth.user.name)
    })
    const browser = createBrowser(app)
    expect((await browser.get('/inside')).statusCode).toBe(401)
    await browser.signIn('ada')
    expect((await browser.get('/inside')).body).toBe('Ada Test')
  })

  it('may be the whole application, and still lets people sign in', async () => {
    const app = await buildApp(emulator())
    app.addHook('onRequest', app.latchkey.guard())
    app.get('/work', async ({ auth }) => auth.user.name)
    const browser = createBrowser(app)
    expect((await browser.get('/work')).statusCode).toBe(401)
    expect((await browser.get('/auth/sign-in')).statusCode).toBe(200)
    expect((await browser.get('/auth/session')).json()).toEqual({ user: null, session: null })
    await browser.signIn('ada')
    expect((await browser.get('/work')).body).toBe('Ada Test')
    expect((await browser.get('/auth/nothing')).statusCode).toBe(404)
  })

  it('answers in our words, whatever the application does to its own', async () => {
    const app = await buildApp(emulator())
    app.setReplySerializer((payload) => JSON.stringify({ wrapped: payload }))
    app.addHook('preSerialization', async (_request, _reply, payload) => ({ data: payload }))
    const response = { 401: { type: 'object', properties: { error: { type: 'string' } } } }
    const options = { schema: { response }, onRequest: app.latchkey.guard() }
    app.get('/work', options, async ({ auth }) => auth.user)
    expect((await app.inject('/work')).json()).toEqual({
      error: { code: 'unauthenticated', message: 'Please sign in first.' },
    })
    expect((await app.inject('/auth/session')).json()).toEqual({ user: null, session: null })
  })

  it('finds its cookie among others that begin alike', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    await browser.signIn('ada')
    const [session] = browser.cookies().split('; ')
    const cookie = `latchkey-30=x; latchkey-3000-other=x; xlatchkey-3000=x; ${session}; a=b`
    expect((await app.inject({ url: '/api/me', headers: { cookie } })).statusCode).toBe(200)
  })
})

describe('a guard forgotten', () => {
  it('reading request.auth fails, and the error names the cure', async () => {
    const app = await buildApp(emulator())
    app.get('/forgotten', async ({ auth }) => auth.user)
    const browser = createBrowser(app)
    await browser.signIn('ada')
    const answer = await browser.get('/forgotten')
    expect(answer.statusCode).toBe(500)
    expect(answer.json()).toMatchObject({
      code: 'LATCHKEY_UNGUARDED',
      message: expect.stringContaining('on GET /forgotten, which has no guard. Add { onRequest:'),
    })
  })

  it('and so does a route that a guard of another scope does not cover', async () => {
    const app = await buildApp(emulator())
    await app.register(async (scope) => {
      scope.addHook('onRequest', scope.latchkey.guard())
    })
    app.get('/outside', async ({ auth }) => auth.user)
    const browser = createBrowser(app)
    await browser.signIn('ada')
    expect((await browser.get('/outside')).statusCode).toBe(500)
  })
})

describe('getAuth', () => {
  it('answers anywhere, asks the store once a request, and not at all without a cookie', async () => {
    const { sqlite } = await import('./sqlite.ts')
    const store = sqlite(':memory:')
    let asked = 0
    const counting = {
      ...store,
      findSession: (id: string) => {
        asked++
        return store.findSession(id)
      },
    }
    const app = await buildApp(emulator(), { store: counting })
    app.get('/thrice', { onRequest: app.latchkey.guard() }, async (request) => {
      await request.getAuth()
      return (await request.getAuth())?.user.name
    })
    app.get('/untouched', async () => 'public')
    const browser = createBrowser(app)
    await browser.get('/')
    expect(asked).toBe(0)
    await browser.signIn('ada')
    asked = 0
    await browser.get('/untouched')
    expect(asked).toBe(0)
    expect((await browser.get('/thrice')).body).toBe('Ada Test')
    expect(asked).toBe(1)
  })
})

describe('a test of an application', () => {
  it('signs a user in without a browser', async () => {
    const app = await buildApp(emulator())
    const user = await app.latchkey.users.create({ name: 'Test Person', email: 'test@example.com' })
    const { cookie, session } = await app.latchkey.sessions.create(user.id)
    const answer = await app.inject({ url: '/api/me', headers: { cookie } })
    expect(answer.json()).toEqual({ user, session })
    expect(session.provider).toBeNull()
  })

  it('is told that there is no such user', async () => {
    const app = await buildApp(emulator())
    await expect(app.latchkey.sessions.create('nobody')).rejects.toMatchObject({
      code: 'LATCHKEY_UNKNOWN_USER',
    })
  })
})

describe('without the plugin', () => {
  it('there is no request.auth to be fooled by', async () => {
    const app = Fastify()
    app.get('/', async (request) => ({ auth: request.auth ?? 'absent' }))
    expect((await app.inject('/')).json()).toEqual({ auth: 'absent' })
    await app.close()
  })
})
