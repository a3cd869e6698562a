import { type AddressInfo, connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { bitbucket } from './providers/bitbucket.ts'
import { buildApp, EXAMPLE_CONSUMER, setUpEmulator } from './testing/app.ts'
import { createBrowser } from './testing/browser.ts'

const emulator = setUpEmulator()

describe('a start that nobody clicked', () => {
  it('HEAD is not found, sets nothing, and a HEAD of the callback uses nothing up', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    const callback = await browser.consent(await browser.start(), { user: 'ada' })
    const cookie = browser.cookies()
    for (const url of ['/auth/bitbucket/start', callback, '/auth/session', '/auth/sign-in']) {
      for (const method of ['HEAD', 'PUT', 'OPTIONS', 'DELETE', 'POST'] as const) {
        const answer = await app.inject({ method, url, headers: { cookie } })
        expect(answer.statusCode).toBe(404)
        expect(answer.headers['set-cookie']).toBeUndefined()
      }
    }
    expect((await browser.get(callback)).headers.location).toBe('/')
  })

  it.each([
    [{ 'sec-purpose': 'prefetch' }],
    [{ 'sec-purpose': 'prefetch;prerender' }],
    [{ 'sec-purpose': 'prefetch;anonymous-client-ip' }],
    [{ purpose: 'prefetch' }],
    [{ 'sec-purpose': 'prefetch', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'none' }],
  ])('a speculative load with %o is put off and clobbers no flow under way', async (headers) => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    const callback = await browser.consent(await browser.start(), { user: 'ada' })
    const answer = await browser.get('/auth/bitbucket/start', headers as Record<string, string>)
    expect(answer.statusCode).toBe(503)
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.headers['set-cookie']).toBeUndefined()
    expect((await browser.get(callback)).headers.location).toBe('/')
  })

  it.each(['image', 'iframe', 'script', 'empty', 'embed', 'frame'])(
    'as the source of an %s it is forbidden',
    async (destination) => {
      const app = await buildApp(emulator())
      const headers = { 'sec-fetch-dest': destination, 'sec-fetch-site': 'same-origin' }
      const answer = await app.inject({ url: '/auth/bitbucket/start', headers })
      expect(answer.statusCode).toBe(403)
      expect(answer.headers['set-cookie']).toBeUndefined()
    },
  )

  it.each(['cross-site', 'same-site', 'anything-new'])(
    'a %s navigation is shown the sign-in page first, and keeps its destination',
    async (site) => {
      const app = await buildApp(emulator())
      const headers = { 'sec-fetch-dest': 'document', 'sec-fetch-site': site }
      const url = '/auth/bitbucket/start?return_to=%2Fwork'
      const answer = await app.inject({ url, headers })
      expect(answer.statusCode).toBe(303)
      expect(answer.headers.location).toBe('/auth/sign-in?return_to=%2Fwork')
      expect(answer.headers['set-cookie']).toBeUndefined()
    },
  )

  it.each(['same-origin', 'none'])('a %s navigation starts', async (site) => {
    const app = await buildApp(emulator())
    const headers = { 'sec-fetch-dest': 'document', 'sec-fetch-site': site }
    const answer = await app.inject({ url: '/auth/bitbucket/start', headers })
    expect(answer.headers.location).toContain(emulator().url)
  })
})

describe('a sign-out that the person did not ask for', () => {
  const own = 'http://localhost:3000'
  const others = [
    'null',
    undefined,
    'https://evil.example',
    'http://sub.localhost:3000',
    'https://localhost:3000',
    'http://localhost:3000.evil.example',
    'http://localhost:3001',
  ]
  const sites = ['same-origin', 'same-site', 'cross-site', 'none', undefined]

  it('passes for a page of ours, and for none of the other combinations of headers', async () => {
    const app = await buildApp(emulator())
    const passed: string[] = []
    for (const origin of [own, ...others]) {
      for (const site of sites) {
        const headers = {
          ...(origin === undefined ? {} : { origin }),
          ...(site === undefined ? {} : { 'sec-fetch-site': site }),
        }
        const { statusCode } = await app.inject({ method: 'POST', url: '/auth/sign-out', headers })
        expect([204, 403]).toContain(statusCode)
        if (statusCode === 204) passed.push(`${origin} ${site}`)
      }
    }
    expect(passed).toEqual([
      `${own} same-origin`,
      `${own} undefined`,
      'null same-origin',
      'undefined same-origin',
    ])
  })

  it('by GET, or by a form of another site with any content type, leaves the person signed in', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    await browser.signIn('ada')
    expect((await browser.get('/auth/sign-out')).statusCode).toBe(404)
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/json\t;x',
    ]) {
      const answer = await browser.post('/auth/sign-out', undefined, {
        origin: 'https://evil.example',
        'sec-fetch-site': 'cross-site',
        'content-type': type,
      })
      expect(answer.statusCode).toBe(403)
      expect(answer.json().error.code).toBe('cross_site')
    }
    expect((await browser.get('/api/me')).statusCode).toBe(200)
  })
})

describe('what a request says of where it is', () => {
  const https = (): Parameters<typeof buildApp>[1] => ({
    origin: 'https://app.example.com',
    providers: [bitbucket({ emulatorUrl: emulator().url, ...EXAMPLE_CONSUMER })],
  })

  it.each([
    { host: 'evil.example' },
    { host: 'app.example.com', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' },
    { forwarded: 'host=evil.example;proto=http' },
    { 'x-forwarded-host': 'a, evil.example', 'x-forwarded-prefix': '//evil.example' },
    { 'x-original-url': '/evil', 'x-rewrite-url': '/evil', 'x-forwarded-proto': 'javascript' },
  ])('%o changes neither redirect_uri nor cookie', async (headers) => {
    const app = await buildApp(emulator(), https())
    const answer = await app.inject({
      url: '/auth/bitbucket/start',
      headers: headers as Record<string, string>,
    })
    const redirectUri = new URL(String(answer.headers.location)).searchParams.get('redirect_uri')
    expect(redirectUri).toBe('https://app.example.com/auth/bitbucket/callback')
    expect(answer.headers['set-cookie']).toMatch(/^__Host-.*; Secure/)
  })

  it('in development, a page on another port of this machine is named in a warning, with the cure', async () => {
    const lines: string[] = []
    const app = await buildApp(emulator(), {}, { write: (line) => void lines.push(line) })
    const page = { origin: 'http://localhost:5173', referer: 'http://localhost:5173/' }
    await app.inject({ url: '/auth/bitbucket/start', headers: { referer: page.referer } })
    await app.inject({ method: 'POST', url: '/auth/sign-out', headers: { origin: page.origin } })
    await app.inject({
      url: '/auth/bitbucket/start',
      headers: { referer: 'https://evil.example/' },
    })
    await app.inject({
      url: '/auth/bitbucket/start',
      headers: { referer: 'http://localhost:3000/' },
    })
    const warnings = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 40)
    const warning = expect.stringContaining("give Latchkey `origin: 'http://localhost:5173'`")
    expect(warnings.map(({ msg }) => msg)).toEqual([warning, warning])
  })

  it('in development, another name of this machine is led to the origin first', async () => {
    const app = await buildApp(emulator())
    const url = '/auth/bitbucket/start?return_to=%2Fwork'
    const answer = await app.inject({ url, headers: { host: '127.0.0.1:3000' } })
    expect(answer.statusCode).toBe(303)
    expect(answer.headers.location).toBe(`http://localhost:3000${url}`)
    expect(answer.headers['set-cookie']).toBeUndefined()
    const headers = { host: '127.0.0.1:3000', referer: 'http://localhost:3000/' }
    const behindProxy = await app.inject({ url, headers })
    expect(behindProxy.headers.location).toContain(emulator().url)
    const foreign = await app.inject({ url, headers: { host: 'evil.example' } })
    expect(foreign.headers.location).toContain(emulator().url)
  })
})

describe('a request line with a whole URL in it', () => {
  it('leads nowhere else than one with a path', async () => {
    const app = await buildApp(emulator())
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    const socket = connect(port, '127.0.0.1')
    socket.end(
      'GET http://evil.example/auth/bitbucket/start HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n',
    )
    let answer = ''
    for await (const chunk of socket) answer += chunk
    expect(/^location: (.*)\r$/m.exec(answer)?.[1]).toBe(
      'http://localhost:3000/auth/bitbucket/start',
    )
  })
})

describe('every answer', () => {
  it('forbids caching, sniffing, framing and telling others where it was', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    const answers = [
      await browser.get('/auth/bitbucket/start'),
      await browser.signIn('ada'),
      await browser.get('/auth/session'),
      await browser.get('/auth/providers'),
      await browser.get('/auth/sign-in'),
      await browser.get('/auth/bitbucket/callback?code=x'),
      await browser.get('/auth/nothing'),
      await browser.get('/auth/bitbucket/start', { purpose: 'prefetch' }),
      await browser.post('/auth/sign-out', {}, { origin: 'https://evil.example' }),
      await browser.post('/auth/sign-out', { scope: 1 }),
      await browser.post('/auth/sign-out', { large: 'x'.repeat(5000) }),
    ]
    for (const { headers } of answers) {
      expect(headers['cache-control']).toBe('no-store')
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
      expect(headers['referrer-policy']).toBe('same-origin')
      expect(headers['cross-origin-resource-policy']).toBe('same-origin')
      expect(headers['access-control-allow-origin']).toBeUndefined()
      expect(headers.etag).toBeUndefined()
    }
    const errors = answers.slice(6).map(({ statusCode, body }) => [statusCode, JSON.parse(body)])
    expect(errors.map(([status, { error }]) => [status, error.code])).toEqual([
      [404, 'not_found'],
      [503, 'prefetch_refused'],
      [403, 'cross_site'],
      [400, 'invalid_request'],
      [413, 'invalid_request'],
    ])
  })

  it('to a provider that there is not is the same, whatever it is called', async () => {
    const app = await buildApp(emulator())
    const names = [
      '__proto__',
      'constructor',
      'toString',
      'BITBUCKET',
      'bitbucket%00',
      'x'.repeat(101),
    ]
    for (const name of [...names, '..%2fbitbucket', 'session', '']) {
      for (const route of ['start', 'callback?code=c&state=s']) {
        const answer = await app.inject(`/auth/${name}/${route}`)
        expect(answer.statusCode).toBe(404)
        expect(answer.json().error.code).toBe('not_found')
      }
    }
  })
})
