/**
 * A process that signs in, and fails to, in every possible way, at log level trace. It sends its
 * parent its secrets and the outcome of each attempt. Its output must not contain the secrets.
 */
import { randomBytes } from 'node:crypto'
import { type AddressInfo, connect } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import {
  defaultConsumer,
  type PlannedAnswer,
  type Route,
  startBitbucketEmulator,
} from '@latchkey/bitbucket-emulator'
import Fastify, { type FastifyInstance } from 'fastify'
import latchkey, { bitbucket, type LatchkeyOptions, oidc, type Store } from '../index.ts'
import { sqlite } from '../store/sqlite.ts'
import { type Browser, createBrowser } from './browser.ts'
import { startHostileOpenId } from './hostile-openid.ts'

/** The report at the end of the run. */
export interface CanaryReport {
  /** Every secret, by kind. */
  readonly canaries: Readonly<Record<string, readonly string[]>>
  /** Printed on purpose: plain to stdout, in base64 to stderr. */
  readonly decoy: string
  /** The `auth_error` of every attempt, or the path of its redirect. */
  readonly outcomes: readonly string[]
}

const canaries: Record<string, string[]> = {}
const outcomes: string[] = []

function note(kind: string, value: string | undefined): void {
  if (value === undefined) return
  canaries[kind] = [...new Set([...(canaries[kind] ?? []), value])]
}

function plant(kind: string): string {
  const value = randomBytes(16).toString('hex')
  note(kind, value)
  return value
}

const TOKEN = 'POST /site/oauth2/access_token'
const USER = 'GET /2.0/user'
const EMAILS = 'GET /2.0/user/emails'

const consumer = { ...defaultConsumer, clientSecret: plant('client secret') }
const secret = plant('secret of Latchkey')
const address = plant('e-mail address')
const emulator = await startBitbucketEmulator({
  seed: {
    consumers: [consumer],
    people: [
      {
        nickname: 'ada',
        displayName: 'Ada Test',
        emails: [{ email: `${address}@example.com`, isPrimary: true, isConfirmed: true }],
      },
      { nickname: 'inactive', displayName: 'Finn Test', accountStatus: 'inactive' },
    ],
  },
})

let now = Date.now()
let storeFails = false

/** A store whose errors contain everything that it received. */
function complainingStore(): Store {
  const store = sqlite(':memory:')
  const complain = async (): Promise<never> => {
    const detail = `Key (email)=(${address}@example.com) already exists.`
    throw Object.assign(new Error('no space left'), { detail, parameters: [secret], headers: {} })
  }
  return {
    ...store,
    findSession: (id) => (storeFails ? complain() : store.findSession(id)),
    transaction: (durability, work) => {
      return storeFails ? complain() : store.transaction(durability, work)
    },
  }
}

async function build(
  options: LatchkeyOptions = {},
  prepare: (app: FastifyInstance) => void = () => {},
): Promise<FastifyInstance> {
  const app = Fastify({ logger: { level: 'trace' } })
  prepare(app)
  const { clientId, clientSecret } = consumer
  await app.register(latchkey, {
    origin: 'http://localhost:3000',
    secret,
    providers: [bitbucket({ emulatorUrl: emulator.url, clientId, clientSecret })],
    store: complainingStore(),
    clock: () => now,
    ...options,
  })
  app.get('/api/me', { onRequest: app.latchkey.guard() }, async ({ auth }) => auth)
  return app
}

/** Starts and consents. Returns the callback and its browser. */
async function begin(
  app: FastifyInstance,
  press: Parameters<Browser['consent']>[1] = { user: 'ada' },
): Promise<{ browser: Browser; callback: string }> {
  const browser = createBrowser(app)
  const callback = await browser.consent(await browser.start(), press)
  const query = new URL(callback, 'http://localhost').searchParams
  note('code', query.get('code') ?? undefined)
  note('state', query.get('state') ?? undefined)
  noteCookies(browser)
  return { browser, callback }
}

async function finish(browser: Browser, callback: string): Promise<void> {
  const { headers } = await browser.get(callback)
  outcomes.push(outcomeOf(headers.location))
  noteCookies(browser)
}

function outcomeOf(location: unknown): string {
  return new URL(String(location), 'http://x').searchParams.get('auth_error') ?? String(location)
}

function noteCookies(browser: Browser): void {
  for (const [, flow] of browser.cookies().matchAll(/latchkey-3000-flow-[^=]+=([^;]+)/g)) {
    note('sealed flow', flow)
  }
  note('session secret', /latchkey-3000=[^.]+\.([^;]+)/.exec(browser.cookies())?.[1])
}

async function attempt(app: FastifyInstance): Promise<Browser> {
  const { browser, callback } = await begin(app)
  await finish(browser, callback)
  return browser
}

const app = await build()

// A successful sign-in, then a sign-out.
const happy = await begin(app)
const before = happy.browser.cookies()
await finish(happy.browser, happy.callback)
await happy.browser.get('/api/me')
await happy.browser.get('/auth/session')
await happy.browser.get('/auth/sign-in')
await happy.browser.get(happy.callback)
await happy.browser.post('/auth/sign-out', {}, { origin: 'https://evil.example' })
await happy.browser.post('/auth/sign-out', { scope: 'global' })
const replay = createBrowser(app)
for (const cookie of before.split('; ')) replay.jar.setCookieSync(cookie, 'http://localhost:3000/')
const restarted = await replay.get(happy.callback)
noteCookies(replay)
const kept = replay.cookies()
const restartedCallback = await replay.consent(String(restarted.headers.location), { user: 'ada' })
note('state', new URL(String(restarted.headers.location)).searchParams.get('state') ?? undefined)
await finish(replay, restartedCallback)
const second = createBrowser(app)
for (const cookie of kept.split('; ')) second.jar.setCookieSync(cookie, 'http://localhost:3000/')
await finish(second, restartedCallback)

// Failures by the person or the browser.
const denied = await begin(app, { decision: 'deny' })
await finish(denied.browser, denied.callback)
const inactive = await begin(app, { user: 'inactive' })
await finish(inactive.browser, inactive.callback)
const stolen = await begin(app)
await finish(createBrowser(app), stolen.callback)
const expired = await begin(app)
now += 11 * 60 * 1000
await finish(expired.browser, expired.callback)
const forged = plant('state')
await finish(createBrowser(app), `/auth/bitbucket/callback?code=${plant('code')}&state=${forged}`)
const refused = await begin(app)
const ownState = new URL(refused.callback, 'http://x').searchParams.get('state')
const said = plant('words of the provider')
await finish(
  refused.browser,
  `/auth/bitbucket/callback?error=${said}&error_description=${said}&state=${ownState}`,
)

// The client secret is wrong.
const clientSecret = plant('client secret')
const { clientId } = consumer
const misconfigured = await build({
  providers: [bitbucket({ emulatorUrl: emulator.url, clientId, clientSecret })],
})
await attempt(misconfigured)

// The provider's responses contain its secrets, in every broken form.
const leaky = {
  access_token: plant('access token'),
  refresh_token: plant('refresh token'),
  id_token: plant('ID token'),
  error: { message: said, detail: said },
  error_description: said,
}
const hurried = await build({ providerTimeout: 300 })
const broken: PlannedAnswer[] = [
  { status: 500, body: leaky },
  { status: 429, body: leaky },
  { status: 400, body: leaky },
  { status: 401, body: { ...leaky, error: said } },
  { body: { ...leaky, token_type: said, uuid: said, values: said } },
  { body: JSON.stringify(leaky).slice(0, -9) },
  { headers: { 'content-type': 'text/html' }, body: `<p>${leaky.access_token} ${said}</p>` },
  { status: 302, headers: { location: `https://evil.example/${leaky.access_token}` } },
  { fault: 'hang' },
  { fault: 'huge', body: leaky },
  { fault: 'truncate', body: leaky },
  { fault: 'redirect', body: leaky },
]
for (const route of [TOKEN, USER, EMAILS] satisfies Route[]) {
  for (const answer of broken) {
    emulator.answerNext(route, answer)
    await attempt(answer.fault === 'hang' ? hurried : app)
  }
}
const next = `${emulator.url}/2.0/user/emails/${leaky.access_token}?page=2`
emulator.answerNext(EMAILS, { body: { values: [], next } })
await attempt(app)
emulator.answerNext(TOKEN, { body: { ...leaky, error: undefined, token_type: 'bearer' } })
const uuid = '{a1e7c0de-0001-4a01-8a01-000000000001}'
emulator.answerNext(USER, { body: { type: 'user', uuid, display_name: '\r\n\u001b[31m', said } })
emulator.answerNext(EMAILS, { body: { values: [] } })
await attempt(app)

// Failures of the application's own code.
const own = bitbucket({ emulatorUrl: emulator.url, clientId, clientSecret: consumer.clientSecret })
const ownProvider = await build({
  providers: [{ ...own, profile: () => ({ subject: new URL(said).href }) }],
})
await attempt(ownProvider)
app.latchkey.on('sign-in', () => {
  throw new Error('a listener of the application')
})
const signedIn = await attempt(app)
const late = await begin(app)
storeFails = true
await finish(late.browser, late.callback)
await signedIn.get('/api/me')
await signedIn.get('/auth/session')
await signedIn.get('/auth/sign-in')
await signedIn.post('/auth/sign-out')
storeFails = false

// The server responds before the provider does, as it would with a `handlerTimeout`.
let answerFirst = (): void => {}
let letGo = (): void => {}
const heldBack = new Promise<void>((resolve) => {
  letGo = resolve
})
const impatient = await build(
  {
    providers: [
      {
        ...own,
        profile: (answers) => {
          answerFirst()
          return own.profile(answers)
        },
      },
    ],
  },
  (app) => {
    app.addHook('preHandler', async (_request, reply) => {
      answerFirst = () => void reply.code(503).send()
    })
    // Like a compressing hook, it delays the first response until the second is ready.
    app.addHook('onSend', async (request) => {
      if (request.url.includes('/callback')) await heldBack
    })
  },
)
const over = new Promise<unknown>((resolve) => impatient.latchkey.on('sign-in', resolve))
const slow = await begin(impatient)
const answered = slow.browser.get(slow.callback)
await over
await setImmediate()
letGo()
await answered
await setImmediate()

// Sign-ins with OpenID Connect, whose tokens name the person and are rejected in several ways.
const openid = await startHostileOpenId()
const publicClient = { id: 'acme', name: 'Acme', issuer: openid.issuer, clientId: openid.clientId }
const assertionSecret = plant('client secret')
const openidApp = await build({
  providers: [oidc({ ...publicClient, clientSecret: assertionSecret, clientAuth: 'secret_jwt' })],
})
openid.userInfo.email = `${address}@example.com`
const changes: readonly object[] = [{}, { nonce: said }, { aud: said }, { exp: 1 }, { sub: 7 }]
for (const change of changes) {
  openid.idToken = async (claims) => {
    note('nonce', String(claims.nonce))
    const token = await openid.sign({ ...claims, email: `${address}@example.com`, ...change })
    note('ID token', token)
    return token
  }
  const browser = createBrowser(openidApp)
  const { headers } = await openid.signIn(browser, `&iss=${encodeURIComponent(openid.issuer)}`)
  outcomes.push(outcomeOf(headers.location))
  noteCookies(browser)
}
await createBrowser(openidApp).postForm('/auth/acme/callback', { code: plant('code'), state: said })
await openid.close()

// Requests without a route, or that are not HTTP.
const spare = await begin(app)
for (const method of ['HEAD', 'POST', 'PUT', 'OPTIONS'] as const) {
  await app.inject({ method, url: spare.callback, headers: { cookie: signedIn.cookies() } })
}
await app.inject(spare.callback.replace('/callback', '/callback/%2e'))
const altered = signedIn.cookies().replace(/(latchkey-3000=[^.]+\.)./, '$1-')
await app.inject({ url: '/auth/session', headers: { cookie: altered } })
const malformed = `latchkey-3000=${plant('session secret')}`
await app.inject({ url: '/auth/session', headers: { cookie: malformed } })
const headers = { origin: 'http://localhost:3000', 'content-type': 'application/json' }
for (const payload of [`{"scope":"${said}"}`, `{"${said}`, said.repeat(200)]) {
  await app.inject({ method: 'POST', url: '/auth/sign-out', headers, payload })
}
await app.listen({ port: 0, host: '127.0.0.1' })
const { port } = app.server.address() as AddressInfo
for (const [method, header] of [
  ['PROPFIND', 'a: b'],
  ['SEARCH', 'a: b'],
  ['GET', 'not a header'],
  ['GET', `cookie: ${'x'.repeat(20_000)}`],
]) {
  const socket = connect(port, '127.0.0.1')
  const cookie = signedIn.cookies()
  socket.end(
    `${method} ${spare.callback} HTTP/1.1\r\nHost: localhost\r\nCookie: ${cookie}\r\n${header}\r\nConnection: close\r\n\r\n`,
  )
  socket.resume()
  await new Promise((resolve) => socket.once('close', resolve))
}

for (const { body, headers } of emulator.requests) {
  if (typeof body === 'object') note('verifier', body.code_verifier)
  note('access token', /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1])
}
const decoy = randomBytes(16).toString('hex')
app.log.info({ decoy })
process.stderr.write(`${Buffer.from(`decoy:${decoy}`).toString('base64')}\n`)
for (const server of [app, misconfigured, hurried, ownProvider, impatient, openidApp]) {
  await server.close()
}
await emulator.close()
const report: CanaryReport = { canaries, decoy, outcomes }
process.send?.(report, () => process.disconnect())
