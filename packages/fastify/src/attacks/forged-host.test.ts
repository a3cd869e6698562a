import Fastify, {
  type FastifyInstance,
  type FastifyServerOptions,
  type LightMyRequestResponse,
} from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import latchkey from '../index.ts'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, HTTPS_ORIGIN, onHttps, SECRET, setUpEmulator } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'
import { sendRaw } from '../testing/raw-request.ts'

const emulator = setUpEmulator()
const apps: FastifyInstance[] = []

afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()))
})

type TrustProxy = NonNullable<FastifyServerOptions['trustProxy']>

async function buildBehindProxy(trustProxy: TrustProxy): Promise<FastifyInstance> {
  const app = Fastify({ trustProxy })
  apps.push(app)
  await app.register(latchkey, {
    ...onHttps(emulator()),
    secret: SECRET,
    store: sqlite(':memory:'),
  })
  app.get('/seen', async ({ host, protocol }) => ({ host, protocol }))
  return app
}

/** One request of each kind. Together they cause every absolute URL and every cookie. */
const REQUESTS = [
  { url: '/auth/bitbucket/start?return_to=%2Fwork' },
  { url: '/auth/bitbucket/start', headers: { 'sec-fetch-site': 'cross-site' } },
  { url: '/auth/bitbucket/callback?code=c&state=s' },
  { url: '/auth/sign-in?return_to=%2Fwork&auth_error=flow_used' },
  { url: '/auth/providers' },
  { url: '/auth/session' },
  { url: '/auth/nothing' },
  { url: '/auth/sign-out', method: 'POST' as const, headers: { origin: HTTPS_ORIGIN } },
  {
    url: '/auth/sign-out',
    method: 'POST' as const,
    headers: { origin: HTTPS_ORIGIN, 'content-type': 'application/x-www-form-urlencoded' },
    payload: 'return_to=%2Fbye',
  },
]

/** The parts of a response that are the same each time. */
function said({ statusCode, headers, body }: LightMyRequestResponse): object {
  const { date: _date, ...rest } = headers
  const text = JSON.stringify(rest)
    .replace(/(state|code_challenge)=[\w-]{43}/g, '$1=…')
    .replace(/-flow-[\w-]{10}=[\w-]+/g, '-flow-…=…')
  return { statusCode, headers: JSON.parse(text), body }
}

async function answers(
  app: FastifyInstance,
  hostile: Readonly<Record<string, string>> = {},
): Promise<object[]> {
  const all: object[] = []
  for (const { headers = {}, ...request } of REQUESTS) {
    const answer = await app.inject({
      ...request,
      headers: { host: 'app.example.com', ...headers, ...hostile },
    })
    all.push(said(answer))
  }
  return all
}

const HOSTILE: readonly Readonly<Record<string, string>>[] = [
  { host: 'evil.example' },
  { host: 'app.example.com:81' },
  { host: 'app.example.com.evil.example' },
  { host: 'app.example.com@evil.example' },
  { host: 'a"><script>alert(1)</script>' },
  { host: 'localhost:3000' },
  { host: '' },
  { 'x-forwarded-host': 'evil.example' },
  { 'x-forwarded-host': 'app.example.com, evil.example' },
  { 'x-forwarded-host': 'evil.example, app.example.com' },
  { forwarded: 'for=127.0.0.1;host=evil.example;proto=http' },
  { 'x-forwarded-proto': 'http' },
  { 'x-forwarded-proto': 'https,http' },
  { 'x-forwarded-proto': 'javascript' },
  { 'x-forwarded-scheme': 'http', 'x-forwarded-ssl': 'off', 'front-end-https': 'off' },
  { 'x-forwarded-port': '444', 'x-forwarded-server': 'evil.example', 'x-host': 'evil.example' },
  { 'x-forwarded-prefix': '//evil.example', 'x-script-name': '//evil.example' },
  { 'x-original-url': '/evil', 'x-rewrite-url': '/evil', 'x-original-host': 'evil.example' },
  { 'x-forwarded-for': 'evil.example', via: '1.1 evil.example' },
]

describe('a request with a forged host, scheme or path', () => {
  it.each<[string, TrustProxy, object]>([
    ['no address', false, { host: 'app.example.com', protocol: 'http' }],
    ['another address', '10.0.0.1', { host: 'app.example.com', protocol: 'http' }],
    ['every address', true, { host: 'evil.example', protocol: 'https' }],
    ['its address', '127.0.0.1', { host: 'evil.example', protocol: 'https' }],
    // This is missing from Fastify's types, but still documented.
    [
      'one hop, which does not match any address,',
      1 as never,
      { host: 'app.example.com', protocol: 'http' },
    ],
    ['every address, with a function,', () => true, { host: 'evil.example', protocol: 'https' }],
  ])(
    'changes none of our responses when Fastify trusts %s as a proxy',
    async (_who, trust, seen) => {
      const app = await buildBehindProxy(trust)
      const lie = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' }
      const headers = { host: 'app.example.com', ...lie }
      expect((await app.inject({ url: '/seen', headers })).json()).toEqual(seen)

      const plain = await answers(app)
      expect(plain[0]).toMatchObject({
        headers: {
          location: expect.stringContaining(
            encodeURIComponent(`${HTTPS_ORIGIN}/auth/bitbucket/callback`),
          ),
          'set-cookie': expect.stringMatching(/^__Host-.*; Secure/),
        },
      })
      for (const hostile of HOSTILE) expect(await answers(app, hostile)).toEqual(plain)
    },
  )

  it('never redirects away from the origin in development', async () => {
    const app = await buildApp(emulator())
    const locals = ['localhost:3000', '127.0.0.1:3000', '[::1]:3000', 'localhost:81']
    for (const hostile of [...HOSTILE, ...locals.map((host) => ({ host }))]) {
      for (const answer of await answers(app, hostile)) {
        expect(JSON.stringify(answer)).not.toMatch(/evil|script>|:81|127\.0\.0\.1:3000|\[::1\]/)
      }
    }
  })
})

describe('bytes that no HTTP client sends', () => {
  const location = (answer: string): URL => {
    return new URL(/^location: (.*)\r$/m.exec(answer)?.[1] ?? 'missing:')
  }

  it.each([
    ['two Host lines', ['GET {path} HTTP/1.1', 'Host: app.example.com', 'Host: evil.example']],
    [
      'two Host lines in reverse order',
      ['GET {path} HTTP/1.1', 'Host: evil.example', 'Host: app.example.com'],
    ],
    ['an absolute URL', ['GET https://evil.example{path} HTTP/1.1', 'Host: app.example.com']],
    [
      'an absolute URL and a Host',
      ['GET https://evil.example{path} HTTP/1.1', 'Host: evil.example'],
    ],
    ['markup as Host', ['GET {path} HTTP/1.1', 'Host: a"><script>alert(1)</script>']],
    ['an empty Host', ['GET {path} HTTP/1.1', 'Host:']],
    ['no Host at all', ['GET {path} HTTP/1.0']],
    [
      'two of each forwarding header',
      [
        'GET {path} HTTP/1.1',
        'Host: app.example.com',
        'X-Forwarded-Host: evil.example',
        'X-Forwarded-Host: app.example.com',
        'X-Forwarded-Proto: http',
        'X-Forwarded-Proto: https',
      ],
    ],
  ])('with %s redirect like any other request', async (_what, lines) => {
    const app = await buildBehindProxy(true)
    await app.listen({ port: 0, host: '127.0.0.1' })
    const ask = (path: string): Promise<string> => {
      return sendRaw(
        app,
        lines.map((line) => line.replace('{path}', path)),
      )
    }
    const start = await ask('/auth/bitbucket/start')
    expect(start).toMatch(/^HTTP\/1\.[01] 303 /)
    expect(location(start).origin).toBe(emulator().url)
    expect(location(start).searchParams.get('redirect_uri')).toBe(
      `${HTTPS_ORIGIN}/auth/bitbucket/callback`,
    )
    expect(start).toMatch(/^set-cookie: __Host-latchkey-flow-.*; Secure; SameSite=Lax\r$/m)
    expect(await ask('/auth/bitbucket/callback?code=c&state=s')).toMatch(
      /^location: \/auth\/sign-in\?auth_error=flow_missing\r$/m,
    )
    const page = await ask('/auth/sign-in')
    expect(page).toContain('href="/auth/bitbucket/start"')
    expect(start + page).not.toMatch(/evil\.example|<script>/)
  })

  it('with an absolute URL redirect to the origin in development too', async () => {
    const app = await buildApp(emulator())
    await app.listen({ port: 0, host: '127.0.0.1' })
    const answer = await sendRaw(app, [
      'GET http://evil.example/auth/bitbucket/start HTTP/1.1',
      'Host: 127.0.0.1',
    ])
    const start = 'http://localhost:3000/auth/bitbucket/start?at_origin=1'
    expect(location(answer).href).toBe(start)
  })
})

describe('a proxy that terminates TLS', () => {
  it.each([true, false])(
    'gets https cookies over plain http with trustProxy %s, and no redirect loop',
    async (trustProxy) => {
      const app = await buildBehindProxy(trustProxy)
      const browser = createBrowser(app, HTTPS_ORIGIN)
      expect((await browser.signIn('ada')).headers.location).toBe('/')
      expect(browser.cookies()).toMatch(/^__Host-latchkey=/)
      const cookies = await browser.jar.getCookies(HTTPS_ORIGIN)
      for (const cookie of cookies) expect(cookie.secure).toBe(true)
      expect((await browser.get('/auth/session')).json()).toMatchObject({
        user: { name: 'Ada Test' },
      })
    },
  )
})
