import { errorSentence } from '@latchkey/contract'
import Fastify, { type LightMyRequestResponse } from 'fastify'
import { describe, expect, it } from 'vitest'
import latchkey, { bitbucket } from '../index.ts'
import { sqlite } from '../store/sqlite.ts'
import type { Store } from '../store/store.ts'
import { buildApp, SECRET, setUpEmulator } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'

const emulator = setUpEmulator()

/**
 * An error whose message, status and headers Fastify's default error handler would send.
 */
const telling = (): Error => {
  return Object.assign(new Error('planted: select * from latchkey_users'), {
    statusCode: 418,
    status: 418,
    code: 'PLANTED',
    headers: {
      location: 'https://planted.example/',
      'set-cookie': 'latchkey-3000=planted; Path=/',
      'access-control-allow-origin': 'https://planted.example',
      'x-planted': 'planted',
    },
    cause: new Error('planted'),
  })
}

const THROWN: readonly (readonly [string, () => unknown])[] = [
  ['an error with a status and headers', telling],
  ['an error-like object', () => ({ message: 'planted', headers: { location: '/planted' } })],
  ['a string', () => 'planted'],
  ['null', () => null],
  ['undefined', () => undefined],
  ['an object without a string form', () => Object.create(null)],
]

/** Checks that the response contains no part of the error, and none of its headers. */
function expectNothingTold({ body, headers }: LightMyRequestResponse): void {
  expect(body + JSON.stringify(headers)).not.toContain('planted')
  expect(body).not.toContain('    at ')
  expect(headers['access-control-allow-origin']).toBeUndefined()
}

function errorBody(code: Parameters<typeof errorSentence>[0]): unknown {
  return { error: { code, message: errorSentence(code) } }
}

describe.each(THROWN)('a store that throws %s', (_what, thrown) => {
  /** Signs one person in and brings another to the consent page, then makes the store fail. */
  async function goBad(): Promise<{ browser: Browser; late: Browser; callback: string }> {
    const { watch: _, ...good } = sqlite(':memory:')
    let bad = false
    const fail = async (): Promise<never> => {
      throw thrown()
    }
    const store: Store = {
      ...good,
      findSession: (id) => (bad ? fail() : good.findSession(id)),
      transaction: (durability, work) => (bad ? fail() : good.transaction(durability, work)),
    }
    const app = await buildApp(emulator(), { store })
    const [browser, late] = [createBrowser(app), createBrowser(app)]
    await browser.signIn('ada')
    const callback = await late.consent(await late.start(), { user: 'ben' })
    bad = true
    return { browser, late, callback }
  }

  it('never reveals it: not in JSON, not on a page, not in a redirect', async () => {
    const { browser, late, callback } = await goBad()
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    for (const answer of [
      await browser.get('/auth/session'),
      await browser.get('/auth/sessions'),
      await browser.post('/auth/sign-out'),
      await browser.delete('/auth/sessions/x'),
    ]) {
      expect(answer.statusCode).toBe(503)
      expect(answer.json()).toEqual(errorBody('unavailable'))
      expect(answer.headers.location).toBeUndefined()
      expect(answer.headers['set-cookie']).toBeUndefined()
      expectNothingTold(answer)
    }
    const own = { origin: 'http://localhost:3000', ...form }
    const byForm = await browser.post('/auth/sign-out', undefined, own)
    expect(byForm.statusCode).toBe(303)
    expect(byForm.headers.location).toBe('/auth/sign-in?auth_error=unavailable')
    expect(byForm.headers['set-cookie']).toBeUndefined()
    expectNothingTold(byForm)
    const page = await browser.get('/auth/sign-in')
    expect(page.statusCode).toBe(200)
    expectNothingTold(page)
    const redirect = await late.get(callback)
    expect(redirect.statusCode).toBe(303)
    expect(redirect.headers.location).toBe('/auth/sign-in?auth_error=unavailable')
    expect(redirect.body).toBe('')
    expectNothingTold(redirect)
  })

  it('never reveals it on the application’s routes: the guard responds, getAuth() throws our own error', async () => {
    const { browser } = await goBad()
    const guarded = await browser.get('/api/me')
    expect(guarded.statusCode).toBe(503)
    expect(guarded.json()).toEqual(errorBody('unavailable'))
    expectNothingTold(guarded)
    const asking = await browser.get('/')
    expect(asking.statusCode).toBe(503)
    expect(asking.json()).toEqual({
      statusCode: 503,
      code: 'LATCHKEY_UNAVAILABLE',
      error: 'Service Unavailable',
      message: errorSentence('unavailable'),
    })
    expectNothingTold(asking)
  })
})

describe.each(THROWN)('a listener that throws %s', (_what, thrown) => {
  it('changes no response', async () => {
    const app = await buildApp(emulator())
    for (const event of ['sign-in', 'sign-in-failed', 'sign-out'] as const) {
      app.latchkey.on(event, () => {
        throw thrown()
      })
      app.latchkey.on(event, async () => {
        throw thrown()
      })
    }
    const browser = createBrowser(app)
    const signIn = await browser.signIn('ada')
    expect(signIn.headers.location).toBe('/')
    const signOut = await browser.post('/auth/sign-out')
    expect(signOut.statusCode).toBe(204)
    const failed = await browser.signIn('inactive')
    expect(failed.headers.location).toBe('/auth/sign-in?auth_error=account_inactive')
    for (const answer of [signIn, signOut, failed]) expectNothingTold(answer)
  })
})

describe.each(['onRequest', 'preParsing', 'preHandler'] as const)(
  'a hook of the application (%s) that throws',
  (hook) => {
    it.each(THROWN.slice(1))('%s never reveals it', async (_what, thrown) => {
      const answer = await answerOf(hook, thrown())
      expect(answer.statusCode).toBe(500)
      expect(answer.json()).toEqual(errorBody('server_error'))
      expectNothingTold(answer)
    })

    it.each([
      [429, 429, 'too_many_requests'],
      [401, 401, 'unauthenticated'],
      [418, 418, 'invalid_request'],
      [503, 503, 'unavailable'],
      [500, 500, 'server_error'],
      [200, 500, 'server_error'],
      [302, 500, 'server_error'],
      [1e9, 500, 'server_error'],
      ['planted', 500, 'server_error'],
      [null, 500, 'server_error'],
    ] as const)(
      'an error with status %j causes a response that contains only %i',
      async (given, status, code) => {
        const answer = await answerOf(hook, Object.assign(telling(), { statusCode: given }))
        expect(answer.statusCode).toBe(status)
        expect(answer.json()).toEqual(errorBody(code))
        expect(answer.headers.location).toBeUndefined()
        expect(answer.headers['set-cookie']).toBeUndefined()
        expectNothingTold(answer)
      },
    )
  },
)

/** Returns the response of `GET /auth/session` while a hook of the application throws. */
async function answerOf(
  hook: 'onRequest' | 'preParsing' | 'preHandler',
  thrown: unknown,
): Promise<LightMyRequestResponse> {
  const app = Fastify()
  app.addHook(hook as 'onRequest', async () => {
    throw thrown
  })
  await app.register(latchkey, {
    origin: 'http://localhost:3000',
    secret: SECRET,
    providers: [bitbucket({ emulatorUrl: emulator().url })],
    store: sqlite(':memory:'),
  })
  const answer = await app.inject('/auth/session')
  await app.close()
  return answer
}
