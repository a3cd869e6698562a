import type { BitbucketEmulator } from '@latchkey/bitbucket-emulator'
import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import type { LatchkeyOptions } from '../index.ts'
import { sqlite } from '../store/sqlite.ts'
import { buildApp } from './app.ts'
import { createBrowser } from './browser.ts'

const CALLBACK = '/auth/bitbucket/callback'
const START = '/auth/bitbucket/start'
const FORM = 'application/x-www-form-urlencoded'

/**
 * Returns one response of every kind, by name: for each route and each of its failures, signed in and signed
 * out. Used to check rules that apply to every response.
 */
export async function everyAnswer(
  emulator: BitbucketEmulator,
  options: LatchkeyOptions = {},
): Promise<Map<string, LightMyRequestResponse>> {
  let now = Date.now()
  const store = sqlite(':memory:')
  const app = await buildApp(emulator, { ...options, store, clock: () => now })
  const origin = options.origin ?? 'http://localhost:3000'
  const browser = createBrowser(app, origin)
  const answers = new Map<string, LightMyRequestResponse>()
  const cancel = { decision: 'deny' } as const
  const ada = { user: 'ada' }

  answers.set('a start', await browser.get(START))
  for (let flow = 0; flow < 5; flow++) await browser.start()
  answers.set('a start that drops the oldest flow', await browser.get(START))
  answers.set(
    'a start from another site',
    await browser.get(START, { 'sec-fetch-site': 'cross-site' }),
  )
  answers.set('a prefetched start', await browser.get(START, { purpose: 'prefetch' }))
  answers.set('an embedded start', await browser.get(START, { 'sec-fetch-dest': 'iframe' }))
  answers.set('a start at 127.0.0.1', await browser.get(START, { host: '127.0.0.1:3000' }))

  answers.set('the sign-in page', await browser.get('/auth/sign-in'))
  answers.set('the sign-in page with an error', await browser.get('/auth/sign-in?auth_error=x'))
  const popup = '/auth/popup?popup=0123456789abcdef'
  answers.set("a popup's last page", await browser.get(popup))
  answers.set("a popup's last page with an error", await browser.get(`${popup}&auth_error=x`))
  answers.set('the providers', await browser.get('/auth/providers'))
  answers.set('the session, signed out', await browser.get('/auth/session'))
  answers.set('the sessions, signed out', await browser.get('/auth/sessions'))
  answers.set('a guarded route, signed out', await browser.get('/api/me'))

  answers.set(
    'a cancelled callback',
    await browser.get(await browser.consent(await browser.start(), cancel)),
  )
  answers.set('a refused callback', await browser.signIn('inactive'))
  answers.set('a forged callback', await browser.get(`${CALLBACK}?code=c&state=s`))
  answers.set('an empty callback', await browser.get(CALLBACK))
  emulator.answerNext('POST /site/oauth2/access_token', { status: 500 })
  answers.set('a callback while the provider is unavailable', await browser.signIn('ada'))
  const late = await browser.consent(await browser.start(), ada)
  now += 11 * 60 * 1000
  answers.set('a late callback', await browser.get(late))
  const callback = await browser.consent(await browser.start(), ada)
  const before = { cookie: browser.cookies() }
  answers.set('a callback', await browser.get(callback))
  answers.set('a used callback', await app.inject({ url: callback, headers: before }))

  answers.set('the sign-in page, signed in', await browser.get('/auth/sign-in'))
  answers.set('the session', await browser.get('/auth/session'))
  answers.set('the sessions', await browser.get('/auth/sessions'))
  answers.set("a popup's last page, signed in", await browser.get(popup))
  answers.set('a forged callback, signed in', await browser.get(`${CALLBACK}?code=c&state=s`))

  const signOut = (request: InjectOptions): Promise<LightMyRequestResponse> => {
    const { headers, ...rest } = request
    const own = { origin, cookie: browser.cookies(), ...headers }
    return app.inject({ method: 'POST', url: '/auth/sign-out', headers: own, ...rest })
  }
  const evil = { origin: 'https://evil.example' }
  const form = { 'content-type': FORM }
  answers.set('a sign-out from another site', await signOut({ headers: evil }))
  answers.set('a sign-out with an invalid scope', await signOut({ payload: { scope: 'nonsense' } }))
  answers.set(
    'a sign-out with a large body',
    await signOut({ headers: form, payload: 'x'.repeat(17_000) }),
  )
  answers.set('a sign-out with an unreadable body', await signOut({ payload: '{' }))
  answers.set('a sign-out of the others', await browser.post('/auth/sign-out', { scope: 'others' }))
  const { session: own } = (await browser.get('/auth/session')).json()
  const path = (id: string): string => `/auth/sessions/${id}`
  answers.set('ending a session from another site', await browser.delete(path(own.id), evil))
  answers.set('ending an unknown session', await browser.delete(path('x')))
  answers.set('ending a session', await browser.delete(path(own.id)))
  answers.set('ending a session, signed out', await browser.delete(path(own.id)))
  await browser.signIn('ada')
  answers.set('a sign-out by form', await signOut({ headers: form, payload: 'return_to=/bye' }))
  answers.set('a sign-out', await browser.post('/auth/sign-out'))

  for (const path of [
    '',
    '/',
    '/nothing',
    '/bitbucket',
    '/sign-out',
    '/identities',
    '/__proto__',
  ]) {
    answers.set(`GET /auth${path}`, await browser.get(`/auth${path}`))
  }
  for (const method of ['HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH'] as const) {
    for (const url of [START, CALLBACK, '/auth/session', '/auth/sign-in', '/auth']) {
      answers.set(`${method} ${url}`, await app.inject({ method, url }))
    }
  }

  const last = await browser.consent(await browser.start(), ada)
  const { cookie: session } = await app.latchkey.sessions.create(
    (await app.latchkey.users.create({ name: 'Test Person' })).id,
  )
  await store.close()
  const get = (url: string) => app.inject({ url, headers: { cookie: session } })
  answers.set('a callback without the store', await browser.get(last))
  answers.set('the session without the store', await get('/auth/session'))
  answers.set('the sign-in page without the store', await get('/auth/sign-in'))
  answers.set('a guarded route without the store', await get('/api/me'))
  answers.set('a sign-out without the store', await signOut({ headers: { cookie: session } }))

  let breaks = false
  const clock = (): number => {
    if (breaks) throw new Error('no clock')
    return now
  }
  const broken = await buildApp(emulator, { ...options, clock })
  breaks = true
  answers.set('a start that fails unexpectedly', await broken.inject(START))
  return answers
}
