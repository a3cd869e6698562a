import { readFileSync } from 'node:fs'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { describe, expect, it } from 'vitest'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, SECRET, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'
import { sendRaw } from '../testing/raw-request.ts'

const emulator = setUpEmulator()

type Ending = (situation: {
  app: FastifyInstance
  browser: Browser
  callback: string
}) => Promise<LightMyRequestResponse>

const ENDINGS: readonly (readonly [string, Ending])[] = [
  ['a sign-in', ({ browser, callback }) => browser.get(callback)],
  [
    'the same callback again',
    async ({ browser, callback }) => {
      await browser.get(callback)
      return browser.get(callback)
    },
  ],
  [
    'the same callback again, signed out',
    async ({ browser, callback }) => {
      await browser.get(callback)
      await browser.post('/auth/sign-out')
      return browser.get(callback)
    },
  ],
  ['a callback in another browser', ({ app, callback }) => createBrowser(app).get(callback)],
  [
    'a refusal that contains a code',
    ({ browser, callback }) => browser.get(`${callback}&error=access_denied`),
  ],
  [
    'an error of the provider',
    ({ browser, callback }) => {
      emulator().answerNext('POST /site/oauth2/access_token', { status: 400, body: { error: 'x' } })
      return browser.get(callback)
    },
  ],
  [
    'an unavailable provider',
    ({ browser, callback }) => {
      emulator().answerNext('GET /2.0/user', { status: 503 })
      return browser.get(callback)
    },
  ],
  [
    'a nonsensical provider',
    ({ browser, callback }) => {
      emulator().answerNext('GET /2.0/user', { body: 'no JSON' })
      return browser.get(callback)
    },
  ],
]

/** The secrets between the browser, the server and the provider. */
function secretsOf(browser: Browser, callback: string): string[] {
  const query = new URL(callback, 'http://localhost').searchParams
  const exchange = emulator().requests.findLast(({ path }) => path.endsWith('access_token'))
  const verifier = typeof exchange?.body === 'object' ? exchange.body.code_verifier : undefined
  const bearer = emulator().requests.findLast(({ path }) => path === '/2.0/user')?.headers
  const token = bearer?.authorization?.slice('Bearer '.length)
  const session = /latchkey-3000=[^.]+\.([^;]+)/.exec(browser.cookies())?.[1]
  return [query.get('code'), query.get('state'), verifier, token, session].flatMap(
    (secret) => secret ?? [],
  )
}

describe('the history, Referer and beacons of the next page', () => {
  it.each(ENDINGS)('after %s contain no code, state or token', async (_what, ending) => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    const referer = 'http://localhost:3000/pricing?plan=team'
    for (const headers of [{}, { referer }]) {
      const url = await browser.start('?return_to=/work', headers)
      const callback = await browser.consent(url, { user: 'ada' })
      const answer = await ending({ app, browser, callback })

      const secrets = secretsOf(browser, callback)
      expect(secrets.length).toBeGreaterThan(1)
      expect(answer.statusCode).toBe(303)
      expect(answer.body).toBe('')
      const location = String(answer.headers.location)
      expect(location).toMatch(
        /^\/($|work$|(auth\/sign-in|pricing)\?((return_to=%2Fwork|plan=team)&)?auth_error=[a-z_]+$)/,
      )
      const page = await browser.get(location)
      for (const secret of secrets) {
        expect(location + page.body + JSON.stringify(page.headers)).not.toContain(secret)
      }
      for (const header of [
        'link',
        'refresh',
        'report-to',
        'nel',
        'content-location',
        'sourcemap',
      ]) {
        expect(answer.headers).not.toHaveProperty(header)
      }
      expect(answer.headers['referrer-policy']).toBe('same-origin')
      expect(answer.headers['cache-control']).toBe('no-store')
      await browser.post('/auth/sign-out')
    }
  })

  it('contain no code, state or token of a used flow in the URL that restarts it', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    const callback = await browser.consent(await browser.start(), { user: 'ada' })
    const cookie = browser.cookies()
    await browser.get(callback)
    const answer = await app.inject({ url: callback, headers: { cookie } })
    expect(answer.headers.location).toMatch(`${emulator().url}/site/oauth2/authorize?`)
    for (const secret of secretsOf(browser, callback)) {
      expect(JSON.stringify(answer.headers) + answer.body).not.toContain(secret)
    }
    expect(answer.headers['referrer-policy']).toBe('same-origin')
    expect(answer.headers['cache-control']).toBe('no-store')
  })

  it('contain the state only in the provider’s URL, and never contain the verifier', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    const start = await browser.get('/auth/bitbucket/start')
    const callback = await browser.consent(String(start.headers.location), { user: 'ada' })
    await browser.get(callback)
    const [, state, verifier] = secretsOf(browser, callback)
    expect(start.body).toBe('')
    expect(String(start.headers.location)).toContain(state)
    expect(String(start.headers['set-cookie'])).not.toContain(state)
    expect(JSON.stringify(start.headers)).not.toContain(verifier)
  })

  it('after signing out with a form do not contain the session', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    await browser.signIn('ada')
    const session = /latchkey-3000=([^;]+)/.exec(browser.cookies())?.[1] ?? 'missing'
    const answer = await browser.post('/auth/sign-out', undefined, {
      origin: 'http://localhost:3000',
      'content-type': 'application/x-www-form-urlencoded',
    })
    expect(answer.headers.location).toBe('/')
    for (const part of session.split('.')) {
      expect(JSON.stringify(answer.headers)).not.toContain(part)
    }
  })
})

describe('the hosted page', () => {
  it.each([
    ['with no error', ''],
    ['with an error', '?auth_error=provider_bad_answer'],
    ['with an unknown error', '?auth_error=https://evil.example/'],
    ['with a target on another site', '?return_to=https://evil.example/&auth_error=flow_missing'],
  ])(
    '%s does not load from or link to other sites, and sends them no Referer',
    async (_what, query) => {
      const app = await buildApp(emulator())
      const browser = createBrowser(app)
      emulator().answerNext('GET /2.0/user', {
        body: {
          uuid: '{a1e7c0de-0001-4a01-8a01-000000000001}',
          display_name: 'https://evil.example/',
          links: { avatar: { href: 'https://evil.example/a.png' } },
        },
      })
      const signedOut = await browser.get(`/auth/sign-in${query}`)
      await browser.signIn('ada')
      const signedIn = await browser.get(`/auth/sign-in${query}`)
      expect(signedIn.body).toContain('<bdi>https://evil.example/</bdi>')
      for (const { body, headers } of [signedOut, signedIn]) {
        const addresses = [
          ...body.matchAll(/\b(?:href|src|srcset|action|content|poster|ping)="([^"]*)"/g),
        ]
          .map(([, address]) => address ?? '')
          .filter((address) => !/^(width=device-width, initial-scale=1|noindex)$/.test(address))
        expect(addresses.length).toBeGreaterThan(0)
        for (const address of addresses) expect(address).toMatch(/^\/(?!\/)/)
        expect(body).not.toMatch(
          /url\(|@import|<(script|img|iframe|object|embed|link|base|svg:image)\b/,
        )
        expect(headers['referrer-policy']).toBe('same-origin')
        expect(headers['content-security-policy']).toMatch(
          /^default-src 'none'; style-src 'sha256-/,
        )
      }
    },
  )
})

describe('a copy of the database', () => {
  it('does not open a session or finish a flow, and contains no token', async () => {
    const file = temporaryFile()
    const app = await buildApp(emulator(), { store: sqlite(file) })
    const browser = createBrowser(app)
    const callback = await browser.consent(await browser.start(), { user: 'ada' })
    await browser.get(callback)
    const { session } = (await browser.get('/auth/session')).json()
    const copy = Buffer.concat([readFileSync(file), readFileSync(`${file}-wal`)])
    expect(copy.includes(session.id)).toBe(true)
    const secrets = secretsOf(browser, callback)
    expect(secrets).toHaveLength(5)
    for (const secret of [...secrets, SECRET, 'latchkey-dev-secret']) {
      for (const bytes of [Buffer.from(secret), Buffer.from(secret, 'base64url')]) {
        expect(copy.includes(bytes)).toBe(false)
      }
    }
  })
})

describe('a callback without a route', () => {
  it.each([
    ['HEAD', '/auth/bitbucket/callback'],
    ['POST', '/auth/bitbucket/callback'],
    ['PUT', '/auth/bitbucket/callback'],
    ['OPTIONS', '/auth/bitbucket/callback'],
    ['PROPFIND', '/auth/bitbucket/callback'],
    ['SEARCH', '/auth/bitbucket/callback'],
    ['GET', '/auth/bitbucket/callback/'],
    ['GET', '/auth/other/callback'],
  ])('(%s %s) is not repeated in the response', async (method, path) => {
    const app = await buildApp(emulator(), { store: sqlite(':memory:') })
    app.get('/*', async ({ url }) => `a page of the application at ${url}`)
    const line = `${method} ${path}?code=canary-code&state=canary-state HTTP/1.1`
    const answer = await sendRaw(app, [line, 'Host: localhost'])
    expect(answer).toMatch(/^HTTP\/1\.1 404 /)
    expect(answer).toMatch(/^cache-control: no-store\r$/m)
    expect(answer).not.toContain('canary')
  })
})
