import { createHash } from 'node:crypto'
import Fastify from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import latchkey, { bitbucket } from '../index.ts'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, HTTPS_ORIGIN, onHttps, SECRET, setUpEmulator } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'
import { everyAnswer } from '../testing/every-answer.ts'

const emulator = setUpEmulator()
const FORM = 'application/x-www-form-urlencoded'

/** Every route that changes something for the signed-in person. */
/** The routes, with a body if they need one, and the status of their success and of the session's next request. */
const CHANGING = [
  { method: 'DELETE', url: '/auth/sessions/:id', succeeds: [204, 401] },
  { method: 'POST', url: '/auth/sign-out', succeeds: [204, 401] },
  { method: 'PATCH', url: '/auth/user', payload: { name: 'Changed' }, succeeds: [200, 200] },
] as const
const SITES = ['same-origin', 'same-site', 'cross-site', 'none', 'Same-Origin', undefined]
const MATRIX: readonly [origin: string | undefined, ...passes: boolean[]][] = [
  [HTTPS_ORIGIN, true, false, false, false, false, true],
  ['null', true, false, false, false, false, false],
  [undefined, true, false, false, false, false, false],
  ['', false, false, false, false, false, false],
  ['https://evil.example', false, false, false, false, false, false],
  ['https://sub.app.example.com', false, false, false, false, false, false],
  ['https://example.com', false, false, false, false, false, false],
  ['http://app.example.com', false, false, false, false, false, false],
  ['https://app.example.com:444', false, false, false, false, false, false],
  ['https://app.example.com.evil.example', false, false, false, false, false, false],
  ['https://app.example.com@evil.example', false, false, false, false, false, false],
  ['https://app.example.com, https://evil.example', false, false, false, false, false, false],
  ['https://evil.example/https://app.example.com', false, false, false, false, false, false],
]

describe('a request that changes something', () => {
  it('uses one of the routes that this test lists', async () => {
    const app = Fastify()
    const found: string[] = []
    app.addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) {
        if (!['GET', 'HEAD'].includes(one) && !url.endsWith('/*')) found.push(`${one} ${url}`)
      }
    })
    await app.register(latchkey, {
      ...onHttps(emulator()),
      secret: SECRET,
      store: sqlite(':memory:'),
    })
    await app.ready()
    expect(found).toEqual(CHANGING.map(({ method, url }) => `${method} ${url}`))
    await app.close()
  })

  it.each(CHANGING)('($method $url) is accepted only from our own pages', async (route) => {
    const app = await buildApp(emulator(), onHttps(emulator()))
    const user = await app.latchkey.users.create({ name: 'Ada Test' })
    for (const [origin, ...passes] of MATRIX) {
      const passed: boolean[] = []
      for (const site of SITES) {
        const { cookie, session } = await app.latchkey.sessions.create(user.id)
        const headers = {
          cookie,
          ...(origin === undefined ? {} : { origin }),
          ...(site === undefined ? {} : { 'sec-fetch-site': site }),
        }
        const url = route.url.replace(':id', session.id)
        const payload = 'payload' in route ? { payload: route.payload } : {}
        const answer = await app.inject({ method: route.method, url, headers, ...payload })
        const still = await app.inject({ url: '/api/me', headers: { cookie } })
        if (answer.statusCode === 403) {
          expect(answer.json().error.code).toBe('cross_site')
          expect(answer.headers['set-cookie']).toBeUndefined()
          expect(still.statusCode).toBe(200)
        } else {
          expect([answer.statusCode, still.statusCode]).toEqual(route.succeeds)
        }
        passed.push(answer.statusCode !== 403)
      }
      expect([origin, ...passed]).toEqual([origin, ...passes])
    }
  })
})

describe('a page on another port or another host name of this machine, in development', () => {
  it.each([
    'http://localhost:3001',
    'http://localhost',
    'https://localhost:3000',
    'http://sub.localhost:3000',
    'http://127.0.0.1:3000',
    'http://[::1]:3000',
  ])('such as %s counts as another site', async (origin) => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    await browser.signIn('ada')
    for (const site of [
      {},
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'same-origin' },
    ]) {
      const answer = await browser.post('/auth/sign-out', undefined, { origin, ...site })
      expect(answer.statusCode).toBe(403)
    }
    expect((await browser.get('/api/me')).statusCode).toBe(200)
  })

  it('counts as another origin when the server listens on a port chosen by the system', async () => {
    const app = Fastify()
    await app.register(latchkey, {
      secret: SECRET,
      providers: [bitbucket({ emulatorUrl: emulator().url })],
      store: sqlite(':memory:'),
    })
    const onRequest = app.latchkey.guard()
    app.get('/me', { onRequest }, async () => 'me')
    app.post('/do', { onRequest }, async () => 'done')
    onTestFinished(() => app.close())
    const { port } = new URL(await app.listen({ port: 0, host: 'localhost' }))
    const { id } = await app.latchkey.users.create()
    const { cookie } = await app.latchkey.sessions.create(id)
    const post = async (origin: string): Promise<number> => {
      const headers = { cookie, origin }
      return (await app.inject({ method: 'POST', url: '/do', headers })).statusCode
    }
    const own = `http://localhost:${port}`
    expect([await post('http://localhost:3000'), await post(own)]).toEqual([403, 200])
    // The session is now cached.
    expect((await app.inject({ url: '/me', headers: { cookie } })).statusCode).toBe(200)
    expect([await post('http://localhost:3000'), await post(own)]).toEqual([403, 200])
  })
})

describe('a route of the application', () => {
  const METHODS = ['POST', 'PUT', 'PATCH', 'DELETE'] as const

  async function buildBank() {
    const app = await buildApp(emulator(), onHttps(emulator()))
    app.all('/guarded', { onRequest: app.latchkey.guard() }, async ({ auth }) => auth.user.name)
    app.all('/open', async (request) => (await request.getAuth())?.user.name ?? 'nobody')
    const user = await app.latchkey.users.create({ name: 'Ada Test' })
    const { cookie } = await app.latchkey.sessions.create(user.id)
    const ask = (method: 'GET' | (typeof METHODS)[number], url: string, headers: object) =>
      app.inject({ method, url, headers: { cookie, ...headers } })
    return { app, ask }
  }

  it.each(METHODS)(
    'treats a %s as signed out only if it comes from another origin',
    async (method) => {
      const { ask } = await buildBank()
      for (const [origin, ...passes] of MATRIX) {
        for (const [index, site] of SITES.entries()) {
          const headers = {
            ...(origin === undefined ? {} : { origin }),
            ...(site === undefined ? {} : { 'sec-fetch-site': site }),
          }
          const saysNothing = origin === undefined && site === undefined
          const guarded = await ask(method, '/guarded', headers)
          const open = await ask(method, '/open', headers)
          if (passes[index] || saysNothing) {
            expect([guarded.body, open.body]).toEqual(['Ada Test', 'Ada Test'])
          } else {
            expect(guarded.statusCode).toBe(403)
            expect(guarded.json().error.code).toBe('cross_site')
            expect(open.body).toBe('nobody')
          }
        }
      }
    },
  )

  it('treats a request as signed in if the person followed a link from any site', async () => {
    const { ask } = await buildBank()
    for (const url of ['/guarded', '/open']) {
      const answer = await ask('GET', url, { 'sec-fetch-site': 'cross-site' })
      expect(answer.body).toBe('Ada Test')
    }
  })
})

describe('another site that tries to sign a person out', () => {
  it('with a link, an image or a GET form gets a 404', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    await browser.signIn('ada')
    for (const destination of ['document', 'image', 'iframe', 'empty']) {
      const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': destination }
      for (const url of ['/auth/sign-out', '/auth/sign-out?scope=global&_method=POST']) {
        expect((await browser.get(url, headers)).statusCode).toBe(404)
      }
    }
    const override = { 'x-http-method-override': 'POST', 'x-method-override': 'POST' }
    expect((await browser.get('/auth/sign-out', override)).statusCode).toBe(404)
    expect((await browser.get('/api/me')).statusCode).toBe(200)
  })

  // Requests that a page may send anywhere without a preflight:
  // https://fetch.spec.whatwg.org/#cors-safelisted-method
  it.each([
    ['no body and no type', undefined, ''],
    ['an empty form', FORM, ''],
    ['a form', FORM, 'scope=global&return_to=%2F'],
    ['a form with files', 'multipart/form-data; boundary=x', '--x--'],
    ['JSON as text/plain', 'text/plain', '{"scope":"global"}'],
    ['JSON in a form field', 'text/plain', '{"scope":"global","x":"="}'],
    ['JSON with an unusual type', 'application/json\t;x', '{"scope":"global"}'],
    ['empty JSON', 'application/json', ''],
    ['a beacon report', 'application/csp-report', '{"scope":"global"}'],
    ['an unreadable type', 'x', 'x'],
  ])(
    'with a request that has %s is rejected before the body is read',
    async (_what, type, payload) => {
      const app = await buildApp(emulator())
      const browser = createBrowser(app)
      await browser.signIn('ada')
      for (const [origin, site] of [
        ['https://evil.example', 'cross-site'],
        ['https://evil.example', undefined],
        ['null', undefined],
        [undefined, undefined],
      ]) {
        const answer = await app.inject({
          method: 'POST',
          url: '/auth/sign-out',
          headers: {
            cookie: browser.cookies(),
            ...(type === undefined ? {} : { 'content-type': type }),
            ...(origin === undefined ? {} : { origin }),
            ...(site === undefined ? {} : { 'sec-fetch-site': site }),
          },
          payload,
        })
        expect(answer.statusCode).toBe(403)
        expect(answer.json().error.code).toBe('cross_site')
      }
      expect((await browser.get('/api/me')).statusCode).toBe(200)
    },
  )
})

describe('another site that tries to read a response', () => {
  it('is not permitted to do so by any response, whatever its origin', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    await browser.signIn('ada')
    for (const origin of ['https://evil.example', 'null', 'http://localhost:3001']) {
      for (const url of ['/auth/session', '/auth/providers', '/auth/sign-in', '/auth/nothing']) {
        const cors = { origin, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }
        const preflight = await app.inject({
          method: 'OPTIONS',
          url,
          headers: {
            ...cors,
            'access-control-request-method': 'POST',
            'access-control-request-headers': 'content-type',
          },
        })
        expect(preflight.statusCode).toBe(404)
        for (const { headers } of [preflight, await browser.get(url, cors)]) {
          const names = Object.keys(headers).filter((name) => name.startsWith('access-control-'))
          expect(names).toEqual([])
          // No response varies by origin, so a cache cannot mix them up.
          expect(JSON.stringify(headers)).not.toContain(origin)
        }
      }
    }
  })
})

describe('another site that tries to frame, embed or sniff a response', () => {
  it('is forbidden to do so by every response', async () => {
    const answers = await everyAnswer(emulator(), onHttps(emulator()))
    const codes = new Set<number>()
    for (const [what, { headers, statusCode }] of answers) {
      codes.add(statusCode)
      // The guard's JSON response belongs to a route of the application, which sets its own framing and
      // caching headers.
      if (what.startsWith('a guarded route')) {
        expect(headers['content-type']).toBe('application/json; charset=utf-8')
        continue
      }
      const policy = String(headers['content-security-policy']).split('; ')
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['referrer-policy']).toBe('same-origin')
      expect(headers['cross-origin-resource-policy']).toBe('same-origin')
      expect(headers['cross-origin-opener-policy']).toBe('same-origin')
    }
    expect([...codes].sort()).toEqual([200, 204, 303, 400, 401, 403, 404, 413, 500, 503])
  })

  it('cannot run a script on the two HTML pages, one of which has its own script', async () => {
    const answers = await everyAnswer(emulator())
    const pages = [...answers].filter(([, { headers }]) => {
      return String(headers['content-type']).startsWith('text/html')
    })
    expect(pages.map(([what]) => what)).toEqual([
      'the sign-in page',
      'the sign-in page with an error',
      "a popup's last page",
      "a popup's last page with an error",
      'the sign-in page, signed in',
      "a popup's last page, signed in",
      'the sign-in page without the store',
    ])
    for (const [what, { body, headers }] of pages) {
      const isPopup = what.startsWith("a popup's")
      expect(body.match(/<script/gi) ?? []).toHaveLength(isPopup ? 1 : 0)
      expect(body).not.toMatch(/<script[^>]|\son\w+=|javascript:/i)
      const [policy, style, script] = [
        String(headers['content-security-policy']).replaceAll(/'sha256-[\w+/=]+'/g, '#'),
        ...(body.match(/(?<=<style>).*?(?=<\/style>)/s) ?? []),
        ...(body.match(/(?<=<script>).*?(?=<\/script>)/s) ?? []),
      ]
      expect(policy).toBe(
        `default-src 'none'; style-src #; ${isPopup ? 'script-src #; ' : ''}base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
      )
      for (const text of isPopup ? [style, script] : [style]) {
        const hash = createHash('sha256').update(String(text)).digest('base64')
        expect(headers['content-security-policy']).toContain(`-src 'sha256-${hash}'`)
      }
    }
  })
})
