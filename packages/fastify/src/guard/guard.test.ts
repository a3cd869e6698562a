import fastifyAuth from '@fastify/auth'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  type Auth,
  GuardError,
  type GuardOptions,
  type RequestAuth,
  type Session,
  type Store,
  type User,
} from '../index.ts'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'
import { observed, settled } from '../testing/observed-store.ts'

const emulator = setUpEmulator()

describe('a guarded route', () => {
  it('responds with 401 and a code when signed out, without running the handler', async () => {
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
      error: { code: 'unauthenticated', message: 'Sign in to continue.' },
    })
    expect(ran).toBe(false)
  })

  it('can be every route in a scope that has a guard as a hook', async () => {
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

  it('can be every route of an application that has a guard as a hook, and users can still sign in', async () => {
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

  it('sends the contract’s error body, regardless of the application’s serializers and schemas', async () => {
    const app = await buildApp(emulator())
    app.setReplySerializer((payload) => JSON.stringify({ wrapped: payload }))
    app.addHook('preSerialization', async (_request, _reply, payload) => ({ data: payload }))
    const response = { 401: { type: 'object', properties: { error: { type: 'string' } } } }
    const options = { schema: { response }, onRequest: app.latchkey.guard() }
    app.get('/work', options, async ({ auth }) => auth.user)
    expect((await app.inject('/work')).json()).toEqual({
      error: { code: 'unauthenticated', message: 'Sign in to continue.' },
    })
    expect((await app.inject('/auth/session')).json()).toEqual({ user: null, session: null })
  })

  it('finds its cookie among cookies with similar names', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    await browser.signIn('ada')
    const [session] = browser.cookies().split('; ')
    const cookie = `latchkey-30=x; latchkey-3000-other=x; xlatchkey-3000=x; ${session}; a=b`
    expect((await app.inject({ url: '/api/me', headers: { cookie } })).statusCode).toBe(200)
  })
})

async function signedIn(app: FastifyInstance, person = 'ada'): Promise<Browser> {
  const browser = createBrowser(app)
  await browser.signIn(person)
  return browser
}

/** Returns the status, and the body or the error code. */
async function answerOf(browser: Browser, path: string): Promise<unknown[]> {
  const answer = await browser.get(path)
  return [answer.statusCode, answer.statusCode === 200 ? answer.body : answer.json().error.code]
}

describe('a guard with maxAge', () => {
  const build = async (
    maxAge: number,
    store: Store = sqlite(':memory:'),
  ): Promise<{ app: FastifyInstance; at(time: number): void }> => {
    const began = Date.UTC(2027, 0, 1)
    let now = began
    const app = await buildApp(emulator(), { store, clock: () => now })
    app.get('/danger', { onRequest: app.latchkey.guard({ maxAge }) }, async () => 'done')
    const at = (time: number): void => {
      now = began + time
    }
    return { app, at }
  }

  it('counts the exact seconds since the last sign-in with the provider', async () => {
    const { app, at } = await build(300)
    const browser = await signedIn(app)
    at(300_000)
    expect(await answerOf(browser, '/danger')).toEqual([200, 'done'])
    at(300_001)
    const answer = await browser.get('/danger')
    expect(answer.statusCode).toBe(403)
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.json()).toEqual({
      error: {
        code: 'reauth_required',
        message: "Sign in again to confirm it's you.",
      },
    })
    expect((await browser.get('/api/me')).statusCode).toBe(200)
  })

  it.each([0, 0.5])('accepts %d seconds', async (maxAge) => {
    const { app, at } = await build(maxAge)
    const browser = await signedIn(app)
    at(maxAge * 1000)
    expect(await answerOf(browser, '/danger')).toEqual([200, 'done'])
    at(maxAge * 1000 + 1)
    expect(await answerOf(browser, '/danger')).toEqual([403, 'reauth_required'])
  })

  it('lets a user through after a new sign-in, but not after a rotation of the session secret', async () => {
    const { app, at } = await build(300)
    const browser = await signedIn(app)
    at(301_000)
    await browser.post('/auth/sign-out', { scope: 'others' })
    expect(await answerOf(browser, '/danger')).toEqual([403, 'reauth_required'])
    await browser.signIn('ada')
    expect(await answerOf(browser, '/danger')).toEqual([200, 'done'])
  })

  it('responds with 401 when signed out, even if the sign-in was too long ago', async () => {
    const { app, at } = await build(300)
    const browser = await signedIn(app)
    at(301_000)
    await browser.post('/auth/sign-out')
    expect(await answerOf(browser, '/danger')).toEqual([401, 'unauthenticated'])
  })

  it('reads the store on every request, so it rejects a revoked session even without a notification', async () => {
    const file = temporaryFile()
    const deaf: Store = {
      ...sqlite(file),
      watch: () => ({
        isCurrent: () => true,
        isFollowing: () => true,
        attend: () => () => undefined,
        stop: () => undefined,
      }),
    }
    const store = observed(deaf)
    const { app } = await build(300, store)
    const there = await buildApp(emulator(), { store: sqlite(file) })
    const browser = await signedIn(app)
    await browser.get('/api/me')
    store.reads = 0
    for (let request = 1; request <= 3; request++) {
      expect(await answerOf(browser, '/danger')).toEqual([200, 'done'])
      expect(store.reads).toBe(request)
    }
    await there.latchkey.sessions.revokeEverything()
    expect((await browser.get('/api/me')).statusCode).toBe(200)
    expect(await answerOf(browser, '/danger')).toEqual([401, 'unauthenticated'])
  })

  it('responds with 503 while the store is closed, even if the session is cached', async () => {
    const store = sqlite(temporaryFile())
    const { app } = await build(300, store)
    const browser = await signedIn(app)
    await browser.get('/api/me')
    await store.close()
    expect(await answerOf(browser, '/danger')).toEqual([503, 'unavailable'])
  })
})

describe('a guard with role', () => {
  async function build(
    role: string | string[],
  ): Promise<{ browser: Browser; setRoles(roles: string[]): Promise<unknown> }> {
    const app = await buildApp(emulator())
    app.get(
      '/work',
      { onRequest: app.latchkey.guard({ role }) },
      async ({ auth }) => auth.user.name,
    )
    const browser = await signedIn(app)
    const { id } = (await browser.get('/auth/session')).json().user
    return { browser, setRoles: (roles) => app.latchkey.users.update(id, { roles }) }
  }

  it.each([
    ['admin', ['admin'], 200],
    ['admin', ['editor', 'admin'], 200],
    ['admin', ['editor'], 403],
    ['admin', ['Admin'], 403],
    ['admin', [], 403],
    [['admin', 'editor'], ['editor'], 200],
    [['admin', 'editor'], ['viewer'], 403],
  ])('%j responds to a user with the roles %j with %i', async (role, roles, status) => {
    const { browser, setRoles } = await build(role)
    await setRoles(roles)
    expect((await answerOf(browser, '/work'))[0]).toBe(status)
  })

  it('follows every change of the roles, and the session continues', async () => {
    const { browser, setRoles } = await build('admin')
    for (const [roles, status] of [
      [[], 403],
      [['admin'], 200],
      [[], 403],
    ] as const) {
      await setRoles([...roles])
      expect((await answerOf(browser, '/work'))[0]).toBe(status)
    }
    expect((await browser.get('/api/me')).statusCode).toBe(200)
  })

  it('keeps the roles when the user signs in again', async () => {
    const { browser, setRoles } = await build('admin')
    await setRoles(['admin'])
    await browser.signIn('ada')
    expect(await answerOf(browser, '/work')).toEqual([200, 'Ada Test'])
  })

  it('responds to a signed-out request with 401 unauthenticated', async () => {
    const app = await buildApp(emulator())
    app.get('/work', { onRequest: app.latchkey.guard({ role: 'admin' }) }, async () => 'work')
    expect(await answerOf(createBrowser(app), '/work')).toEqual([401, 'unauthenticated'])
  })
})

describe('a guard with check', () => {
  const build = async (check: unknown): Promise<FastifyInstance> => {
    const app = await buildApp(emulator())
    const options = { check } as GuardOptions
    app.get('/work', { onRequest: app.latchkey.guard(options) }, async ({ auth }) => auth.user.name)
    return app
  }

  it.each([
    ['true', () => true],
    ['a promise of true', async () => true],
    ['true after a while', () => settled().then(() => true)],
  ])('that returns %s lets the request through', async (_, check) => {
    const browser = await signedIn(await build(check))
    expect(await answerOf(browser, '/work')).toEqual([200, 'Ada Test'])
  })

  it.each([
    ['false', () => false],
    ['a promise of false', async () => false],
    ['undefined', () => undefined],
    ['a promise of undefined', async () => undefined],
    ['1', () => 1],
    ['a string', () => 'true'],
    ['an object', () => ({ allowed: true })],
    ['a promise of a string', async () => 'yes'],
    ['a Boolean object', () => Object(true)],
    ['a function', () => () => true],
  ])('that returns %s responds with 403 forbidden', async (_, check) => {
    const browser = await signedIn(await build(check))
    expect(await answerOf(browser, '/work')).toEqual([403, 'forbidden'])
    expect((await browser.get('/api/me')).statusCode).toBe(200)
  })

  it.each([
    [
      'throws',
      () => {
        throw Object.assign(new Error('no policy'), { statusCode: 418 })
      },
    ],
    ['rejects', () => Promise.reject(Object.assign(new Error('no policy'), { statusCode: 418 }))],
  ])('that %s lets no request through, and Fastify handles the error', async (_, check) => {
    const browser = await signedIn(await build(check))
    const answer = await browser.get('/work')
    expect([answer.statusCode, answer.json().message]).toEqual([418, 'no policy'])
  })

  it('is called with the user and the request, and not called when signed out', async () => {
    const asked: unknown[] = []
    const app = await build((auth: Auth, request: FastifyRequest) => {
      asked.push([auth.user.name, auth.session.provider, request.url])
      return true
    })
    const browser = createBrowser(app)
    expect(await answerOf(browser, '/work')).toEqual([401, 'unauthenticated'])
    expect(asked).toEqual([])
    await browser.signIn('ada')
    await browser.get('/work?a=b')
    expect(asked).toEqual([['Ada Test', 'bitbucket', '/work?a=b']])
  })
})

describe('a guard with maxAge and check', () => {
  it('checks the session, then the age of the sign-in, then the condition', async () => {
    let now = Date.now()
    let asked = 0
    const app = await buildApp(emulator(), { clock: () => now })
    const check = ({ user }: Auth): boolean => {
      asked++
      return user.name === 'Ben Test'
    }
    const onRequest = app.latchkey.guard({ maxAge: 60, check })
    app.get('/danger', { onRequest }, async () => 'done')
    const [ada, ben] = [createBrowser(app), createBrowser(app)]
    expect(await answerOf(ada, '/danger')).toEqual([401, 'unauthenticated'])
    await ada.signIn('ada')
    await ben.signIn('ben')
    now += 60_001
    expect(await answerOf(ada, '/danger')).toEqual([403, 'reauth_required'])
    expect(asked).toBe(0)
    await ada.signIn('ada')
    await ben.signIn('ben')
    expect(await answerOf(ada, '/danger')).toEqual([403, 'forbidden'])
    expect(await answerOf(ben, '/danger')).toEqual([200, 'done'])
  })

  it.each([{ check: () => false }, { maxAge: 0 }])(
    'on the whole application leaves Latchkey’s own routes open',
    async (options: GuardOptions) => {
      let now = Date.now()
      const app = await buildApp(emulator(), { clock: () => now })
      app.addHook('onRequest', app.latchkey.guard(options))
      app.get('/work', async () => 'work')
      const browser = await signedIn(app)
      now += 1
      expect((await browser.get('/work')).statusCode).toBe(403)
      expect((await browser.get('/auth/session')).json().user.name).toBe('Ada Test')
      expect((await browser.get('/auth/sessions')).statusCode).toBe(200)
      expect((await browser.get('/auth/sign-in')).statusCode).toBe(200)
      expect((await browser.signIn('ben')).headers.location).toBe('/')
      expect((await browser.post('/auth/sign-out')).statusCode).toBe(204)
    },
  )

  it('on a scope only protects its own routes', async () => {
    const app = await buildApp(emulator())
    await app.register(async (scope) => {
      scope.addHook('onRequest', scope.latchkey.guard({ check: ({ user }) => user.email === null }))
      scope.get('/inside', async ({ auth }) => auth.user.name)
    })
    const [ada, nameless] = [await signedIn(app), await signedIn(app, 'no-email')]
    expect(await answerOf(ada, '/inside')).toEqual([403, 'forbidden'])
    expect((await nameless.get('/inside')).statusCode).toBe(200)
    expect((await ada.get('/api/me')).statusCode).toBe(200)
  })
})

describe('the options of a guard', () => {
  const invalid = 'LATCHKEY_ARGUMENT_INVALID'

  it.each([
    [invalid, { maxAge: '5m' }, 'app.latchkey.guard(): `maxAge` must be a number of seconds,'],
    [invalid, { maxAge: -1 }, '`maxAge` must be a number of seconds, such as 300.'],
    [invalid, { maxAge: Number.NaN }, '`maxAge` must be a number of seconds'],
    [invalid, { maxAge: Number.POSITIVE_INFINITY }, '`maxAge` must be a number of seconds'],
    [invalid, { maxAge: null }, '`maxAge` must be a number of seconds'],
    [
      invalid,
      { maxAge: 5 * 60_000 },
      '`maxAge` must be in seconds, but this looks like milliseconds.',
    ],
    [
      invalid,
      { maxAge: 3_600_000 },
      '`maxAge` must be in seconds, but this looks like milliseconds.',
    ],
    [invalid, { maxAge: 24 * 3_600_000 }, '`maxAge` must be in seconds, but this looks'],
    [invalid, { check: true }, '`check` must be a function that returns `true` or `false`.'],
    [invalid, { check: null }, '`check` must be a function'],
    [
      invalid,
      { maxage: 5 },
      'there is no option `maxage`. Did you mean `maxAge`? The options are maxAge, role, check, throws, keepUpgradedConnectionsAfterSessionEnds.',
    ],
    [invalid, { workspace: 'acme' }, 'there is no option `workspace`.'],
    ...['', 'an admin', [], ['admin', 7], true].map((role): [string, unknown, string] => [
      invalid,
      { role },
      "`role` must be the name of a role, such as 'admin'",
    ]),
    ['LATCHKEY_UNGUARDED', 300, 'Call it: { onRequest: app.latchkey.guard() }.'],
    ['LATCHKEY_UNGUARDED', null, 'Call it: { onRequest: app.latchkey.guard() }.'],
    ['LATCHKEY_UNGUARDED', [], 'Call it: { onRequest: app.latchkey.guard() }.'],
    ['LATCHKEY_UNGUARDED', () => true, 'Call it: { onRequest: app.latchkey.guard() }.'],
  ])('that are invalid throw %s: %j', async (code, options, message) => {
    const app = await buildApp(emulator())
    expect(() => app.latchkey.guard(options as GuardOptions)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    )
  })

  it('are all optional', async () => {
    const app = await buildApp(emulator())
    const options = [
      undefined,
      {},
      { maxAge: undefined, check: undefined },
      { maxAge: 30 * 24 * 60 * 60 },
      { maxAge: 50 * 60 * 60 },
    ]
    for (const [index, given] of options.entries()) {
      const onRequest = app.latchkey.guard(given)
      app.get(`/${index}`, { onRequest }, async ({ auth }) => auth.user.name)
    }
    const browser = createBrowser(app)
    for (const index of options.keys()) {
      expect(await answerOf(browser, `/${index}`)).toEqual([401, 'unauthenticated'])
    }
    await browser.signIn('ada')
    for (const index of options.keys()) {
      expect(await answerOf(browser, `/${index}`)).toEqual([200, 'Ada Test'])
    }
  })
})

describe('a guard', () => {
  type Place = [where: string, put: (app: FastifyInstance, handler: () => string) => void]
  const hooks = ['onRequest', 'preValidation', 'preHandler'] as const
  const places: Place[] = [
    ...hooks.map(
      (hook): Place => [
        `as ${hook} of a route`,
        (app, handler) => app.get('/work', { [hook]: app.latchkey.guard() }, async () => handler()),
      ],
    ),
    ...hooks.map(
      (hook): Place => [
        `as ${hook} of the application`,
        (app, handler) => {
          app.addHook(hook, app.latchkey.guard())
          app.get('/work', async () => handler())
        },
      ],
    ),
    [
      'awaited in a hook of the application',
      (app, handler) => {
        app.addHook('onRequest', async (request, reply) => {
          if (request.url === '/work') await app.latchkey.guard()(request, reply)
        })
        app.get('/work', async () => handler())
      },
    ],
    [
      'awaited in a handler',
      (app, handler) => {
        app.get('/work', async (request, reply) => {
          await app.latchkey.guard()(request, reply)
          return reply.sent ? reply : handler()
        })
      },
    ],
    [
      'combined with other guards',
      (app, handler) => {
        const onRequest = [app.latchkey.guard(), app.latchkey.guard({ maxAge: 60 })]
        const preHandler = app.latchkey.guard({ check: () => true })
        app.get('/work', { onRequest, preHandler }, async () => handler())
      },
    ],
  ]

  it.each(places)(
    '%s only lets signed-in users through, with or without a cached session',
    async (_, put) => {
      const store = observed(sqlite(':memory:'))
      const app = await buildApp(emulator(), { store })
      let ran = 0
      put(app, () => `run ${++ran}`)
      const browser = createBrowser(app)
      expect(await answerOf(browser, '/work')).toEqual([401, 'unauthenticated'])
      const headers = { cookie: `latchkey-3000=${'A'.repeat(22)}.${'B'.repeat(43)}` }
      expect((await app.inject({ url: '/work', headers })).statusCode).toBe(401)
      expect(ran).toBe(0)
      await browser.signIn('ada')
      store.reads = 0
      expect(await answerOf(browser, '/work')).toEqual([200, 'run 1'])
      expect(store.reads).toBeGreaterThan(0)
      expect(await answerOf(browser, '/work')).toEqual([200, 'run 2'])
      await browser.post('/auth/sign-out')
      expect(await answerOf(browser, '/work')).toEqual([401, 'unauthenticated'])
      expect(ran).toBe(2)
    },
  )

  it('does not run the handler if the store responds after the handlerTimeout, and the next request works', async () => {
    const store = observed(sqlite(':memory:'))
    const app = await buildApp(emulator(), { store })
    let ran = false
    const onRequest = app.latchkey.guard()
    app.get('/slow', { onRequest, handlerTimeout: 10 }, async () => {
      ran = true
      return 'done'
    })
    const browser = await signedIn(app)
    const answer = store.holdNext()
    expect((await browser.get('/slow')).statusCode).toBe(503)
    answer()
    await settled()
    expect(ran).toBe(false)
    expect((await browser.get('/api/me')).statusCode).toBe(200)

    const late = store.holdNext()
    const headers = { cookie: `latchkey-3000=${'A'.repeat(22)}.${'B'.repeat(43)}` }
    expect((await app.inject({ url: '/slow', headers })).statusCode).toBe(503)
    late()
    await settled()
    expect((await app.inject({ url: '/api/me', headers })).statusCode).toBe(401)
  })
})

describe('request.auth', () => {
  const attempts: [string, (auth: Auth, request: FastifyRequest) => void][] = [
    ['the name of the user', ({ user }) => Object.assign(user, { name: 'Mallory' })],
    ['the id of the user', ({ user }) => Object.assign(user, { id: 'another' })],
    ['a role of the user', ({ user }) => Object.assign(user, { role: 'admin' })],
    ['the end of the session', ({ session }) => Object.assign(session, { expiresAt: 9e15 })],
    ['the user as a whole', (auth) => Object.assign(auth, { user: { id: 'another' } })],
    ['request.auth itself', (_, request) => Object.assign(request, { auth: null })],
  ]

  it.each(attempts)(
    'does not let a handler change %s, for this request or for others',
    async (_, write) => {
      const app = await buildApp(emulator())
      const onRequest = app.latchkey.guard()
      app.get('/write', { onRequest }, async (request) => write(request.auth, request))
      app.get('/write-too', async (request) => {
        const auth = await request.getAuth()
        if (auth !== null) write(auth, request)
      })
      const browser = await signedIn(app)
      const before = (await browser.get('/api/me')).json()
      for (const path of ['/write', '/write-too']) {
        const answer = await browser.get(path)
        expect([answer.statusCode, answer.json().message]).toEqual([
          500,
          expect.stringMatching(/read only|not extensible|only a getter/),
        ])
      }
      expect((await browser.get('/api/me')).json()).toEqual(before)
      expect((await browser.get('/auth/session')).json()).toEqual(before)
    },
  )
})

describe('in TypeScript', () => {
  it('request.auth is never null, getAuth() can return null, and a guard rejects unknown options', async () => {
    const app = await buildApp(emulator())
    app.get('/types', { onRequest: app.latchkey.guard({ maxAge: 60 }) }, async (request) => {
      expectTypeOf(request.auth).toEqualTypeOf<RequestAuth>()
      expectTypeOf(request.auth.signal).toEqualTypeOf<AbortSignal>()
      expectTypeOf(request.auth.user).toEqualTypeOf<User>()
      expectTypeOf(request.auth.session).toEqualTypeOf<Session>()
      expectTypeOf(request.auth.user.name).toEqualTypeOf<string | null>()
      expectTypeOf(request.getAuth).returns.resolves.toEqualTypeOf<Auth | null>()
      // @ts-expect-error: `request.auth` is read-only.
      expect(() => (request.auth.user.name = 'Mallory')).toThrow()
      // @ts-expect-error: `request.auth` cannot be replaced.
      expect(() => (request.auth = { ...request.auth })).toThrow()
      return 'checked'
    })
    const check: GuardOptions['check'] = (auth, request) => {
      expectTypeOf(auth).toEqualTypeOf<RequestAuth>()
      expectTypeOf(request).toEqualTypeOf<FastifyRequest>()
      return Promise.resolve(true)
    }
    expectTypeOf<keyof GuardOptions>().toEqualTypeOf<
      'maxAge' | 'role' | 'check' | 'throws' | 'keepUpgradedConnectionsAfterSessionEnds'
    >()
    expectTypeOf<GuardOptions['maxAge']>().toEqualTypeOf<number | undefined>()
    const guard = app.latchkey.guard({ check })
    app.get('/hooks', { onRequest: [guard], preValidation: guard, preHandler: guard }, () => '')
    // @ts-expect-error: the option does not exist.
    expect(() => app.latchkey.guard({ maxage: 60 })).toThrow()
    // @ts-expect-error: the result must be a boolean.
    app.latchkey.guard({ check: () => 'yes' })
    // @ts-expect-error: `guard` must be called.
    expect(() => app.get('/uncalled', { onRequest: app.latchkey.guard }, () => '')).toThrow()
    expect((await (await signedIn(app)).get('/types')).body).toBe('checked')
  })
})

describe('without a guard', () => {
  it('request.auth throws an error that says how to fix it', async () => {
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

  it('request.auth throws on a route outside of the scope that has the guard', async () => {
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
  it('works on every route, and reads the store once per request, but never without a cookie', async () => {
    const store = observed(sqlite(':memory:'))
    const app = await buildApp(emulator(), { store })
    app.get('/thrice', { onRequest: app.latchkey.guard() }, async (request) => {
      await request.getAuth()
      return (await request.getAuth())?.user.name
    })
    app.get('/untouched', async () => 'public')
    const browser = createBrowser(app)
    await browser.get('/')
    expect(store.reads).toBe(0)
    await browser.signIn('ada')
    store.reads = 0
    await browser.get('/untouched')
    expect(store.reads).toBe(0)
    expect((await browser.get('/thrice')).body).toBe('Ada Test')
    expect(store.reads).toBe(1)
  })
})

describe('sessions.create', () => {
  it('signs a user in without a browser', async () => {
    const app = await buildApp(emulator())
    const user = await app.latchkey.users.create({ name: 'Test Person', email: 'test@example.com' })
    const { cookie, session } = await app.latchkey.sessions.create(user.id)
    const answer = await app.inject({ url: '/api/me', headers: { cookie } })
    expect(answer.json()).toEqual({ user, session })
    expect(session.provider).toBeNull()
  })

  it('rejects an unknown user', async () => {
    const app = await buildApp(emulator())
    await expect(app.latchkey.sessions.create('nobody')).rejects.toMatchObject({
      code: 'LATCHKEY_UNKNOWN_USER',
    })
  })
})

describe('without the plugin', () => {
  it('request.auth does not exist', async () => {
    const app = Fastify()
    app.get('/', async (request) => ({ auth: request.auth ?? 'absent' }))
    expect((await app.inject('/')).json()).toEqual({ auth: 'absent' })
    await app.close()
  })
})

describe('app.latchkey.guard passed without being called', () => {
  it.each(['onRequest', 'preValidation', 'preHandler', 'onSend'] as const)(
    'is rejected as the %s hook of a route or a scope when it is added',
    async (place) => {
      const app = await buildApp(emulator())
      const guard = app.latchkey.guard as never
      const uncalled = (where: string): unknown =>
        expect.objectContaining({
          code: 'LATCHKEY_UNGUARDED',
          message: `app.latchkey.guard was used as \`${place}\`${where} without being called. Call it: { onRequest: app.latchkey.guard() }. See docs/reference/errors.md#latchkey_unguarded`,
        })
      expect(() => app.get('/x', { [place]: guard }, () => '')).toThrow(uncalled(' of GET /x'))
      expect(() => app.get('/x', { [place]: [guard] }, () => '')).toThrow(uncalled(' of GET /x'))
      expect(() => app.addHook(place as 'onRequest', guard)).toThrow(uncalled(''))
      const inside = app.register(async (context) => {
        context.addHook(place as 'onRequest', guard)
      })
      await expect(inside).rejects.toThrow(uncalled(''))
    },
  )
})

describe('a misplaced guard', () => {
  it.each([
    'preParsing',
    'preSerialization',
    'onSend',
    'onResponse',
    'onError',
    'onTimeout',
  ] as const)('is rejected as the %s of a route when the route is added', async (place) => {
    const app = await buildApp(emulator())
    const guard = app.latchkey.guard() as never
    const misplaced = expect.objectContaining({
      code: 'LATCHKEY_GUARD_MISPLACED',
      message: expect.stringContaining(`\`${place}\` of GET /misplaced`),
    })
    expect(() => app.get('/misplaced', { [place]: guard }, () => '')).toThrow(misplaced)
    expect(() => app.get('/misplaced', { [place]: [guard] }, () => '')).toThrow(misplaced)
    expect(() => app.get('/misplaced', guard)).toThrow(/`handler` of GET/)
  })

  it.each(['onSend', 'preSerialization', 'preParsing'] as const)(
    'as the %s hook of a scope causes one 500 with an explanation, whether signed in or not',
    async (place) => {
      const lines: string[] = []
      const write = (line: string): void => void lines.push(line)
      const app = await buildApp(emulator(), {}, { write })
      app.register(async (context) => {
        context.addHook(place as 'onSend', app.latchkey.guard() as never)
        context.post('/misplaced', async () => ({ fine: true }))
      })
      const browser = await signedIn(app)
      for (const cookie of [browser.cookies(), '']) {
        const headers = { cookie, origin: 'http://localhost:3000' }
        const answer = await app.inject({ method: 'POST', url: '/misplaced', headers, payload: {} })
        expect([answer.statusCode, answer.json().code]).toEqual([500, 'LATCHKEY_GUARD_MISPLACED'])
      }
      const said = lines.filter((line) => line.includes('LATCHKEY_GUARD_MISPLACED'))
      expect(said.length).toBeGreaterThan(0)
      expect(said.length).toBeLessThan(10)
    },
  )

  it('is accepted in all three hooks in which it works', async () => {
    const app = await buildApp(emulator())
    const guard = app.latchkey.guard()
    app.post(
      '/fine',
      { onRequest: guard, preValidation: guard, preHandler: [guard] },
      async ({ auth }) => auth.user.name,
    )
    const browser = await signedIn(app)
    expect((await browser.post('/fine')).body).toBe('Ada Test')
  })
})

describe('a guard that throws', () => {
  const API_KEY = 'test-api-key'

  async function build(options: GuardOptions = {}): Promise<FastifyInstance> {
    const app = await buildApp(emulator())
    await app.register(fastifyAuth)
    const guard = app.latchkey.guard({ throws: true, ...options })
    const apiKey = async (request: FastifyRequest): Promise<void> => {
      if (request.headers['x-api-key'] !== API_KEY) throw new Error('no key')
    }
    app.route({
      method: ['GET', 'POST'],
      url: '/either',
      preHandler: app.auth([guard, apiKey], { relation: 'or' }),
      handler: async (request) => ({ user: (await request.getAuth())?.user.name ?? null }),
    })
    app.route({
      method: ['GET', 'POST'],
      url: '/both',
      preHandler: app.auth([apiKey, guard], { relation: 'and' }),
      handler: async (request) => ({ user: request.auth.user.name }),
    })
    return app
  }

  it('can be combined with another check using @fastify/auth', async () => {
    const app = await build()
    const browser = await signedIn(app)
    const get = async (url: string, headers: Record<string, string>): Promise<unknown[]> => {
      const answer = await app.inject({ url, headers })
      return [answer.statusCode, answer.json().user]
    }
    const [cookie, key] = [{ cookie: browser.cookies() }, { 'x-api-key': API_KEY }]
    expect(await get('/either', cookie)).toEqual([200, 'Ada Test'])
    expect(await get('/either', key)).toEqual([200, null])
    expect(await get('/either', { ...cookie, ...key })).toEqual([200, 'Ada Test'])
    expect(await get('/either', {})).toEqual([401, undefined])
    expect(await get('/both', { ...cookie, ...key })).toEqual([200, 'Ada Test'])
    expect(await get('/both', cookie)).toEqual([401, undefined])
  })

  it('makes Fastify send the status, code and headers that the guard would have sent', async () => {
    const app = await build({ check: () => false })
    const onRequest = app.latchkey.guard({ throws: true })
    app.get('/alone', { onRequest }, async () => 'alone')
    app.register(async (scope) => {
      scope.setErrorHandler((error) => ({ is: error instanceof GuardError }))
      scope.get('/handled', { onRequest }, async () => 'handled')
    })
    const browser = await signedIn(app)
    const headers = { cookie: browser.cookies(), 'x-api-key': API_KEY }
    const nobody = await app.inject('/alone')
    expect(nobody.statusCode).toBe(401)
    expect(nobody.headers['cache-control']).toBe('no-store')
    expect(nobody.json()).toMatchObject({ code: 'unauthenticated', statusCode: 401 })
    const forbidden = await app.inject({ url: '/both', headers })
    expect([forbidden.statusCode, forbidden.json().code]).toEqual([403, 'forbidden'])
    const foreign = await app.inject({
      method: 'POST',
      url: '/both',
      headers: { ...headers, origin: 'https://evil.example' },
    })
    expect([foreign.statusCode, foreign.json().code]).toEqual([403, 'cross_site'])
    expect((await app.inject('/handled')).json()).toEqual({ is: true })
  })

  it('throws a 503 with Retry-After if the store does not respond', async () => {
    const { watch: _, ...store } = sqlite(':memory:')
    const app = await buildApp(emulator(), {
      store: { ...store, findSession: () => Promise.reject(new Error('away')) },
    })
    app.get('/alone', { onRequest: app.latchkey.guard({ throws: true }) }, async () => 'alone')
    const headers = { cookie: `latchkey-3000=${'a'.repeat(22)}.${'b'.repeat(43)}` }
    const answer = await app.inject({ url: '/alone', headers })
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '5'])
  })
})
