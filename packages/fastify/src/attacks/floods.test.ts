import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import latchkey, { bitbucket } from '../index.ts'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, countRows, SECRET, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'
import { sendRaw } from '../testing/raw-request.ts'
import { countExchanges } from '../testing/refusal.ts'

const emulator = setUpEmulator()
const TABLES = ['users', 'identities', 'sessions', 'used_flows'] as const

const rows = (file: string): number[] => TABLES.map((table) => countRows(file, table))

async function listening(app: FastifyInstance): Promise<FastifyInstance> {
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app
}

// On a busy machine, so many requests take longer than the default timeout.
describe('thousands of requests', { timeout: 60_000 }, () => {
  it('to the start route store nothing, send no request to the provider, and do not affect other users', async () => {
    const file = temporaryFile()
    const app = await buildApp(emulator(), { store: sqlite(file) })
    const browser = createBrowser(app)
    const url = await browser.start()
    for (let request = 0; request < 2000; request++) {
      const { statusCode } = await app.inject('/auth/bitbucket/start')
      if (statusCode !== 303) throw new Error(`The start route responded with ${statusCode}`)
    }
    expect(rows(file)).toEqual([0, 0, 0, 0])
    expect(emulator().requests).toEqual([])
    const callback = await browser.consent(url, { user: 'ada' })
    expect((await browser.get(callback)).headers.location).toBe('/')
  })

  it('to the callback with invented codes and states store nothing either', async () => {
    const file = temporaryFile()
    const app = await buildApp(emulator(), { store: sqlite(file) })
    const browser = createBrowser(app)
    const url = await browser.start()
    for (let request = 0; request < 2000; request++) {
      const state = `${request}`.padStart(43, 'A')
      const answer = await app.inject(`/auth/bitbucket/callback?code=${request}&state=${state}`)
      expect(answer.headers.location).toBe('/auth/sign-in?auth_error=flow_missing')
    }
    expect(rows(file)).toEqual([0, 0, 0, 0])
    expect(emulator().requests).toEqual([])
    const callback = await browser.consent(url, { user: 'ada' })
    expect((await browser.get(callback)).headers.location).toBe('/')
  })

  it('to the callback with one flow’s cookie cause one request to the provider, and one row', async () => {
    const file = temporaryFile()
    const app = await buildApp(emulator(), { store: sqlite(file) })
    const browser = createBrowser(app)
    const state = new URL(await browser.start()).searchParams.get('state')
    const headers = { cookie: browser.cookies() }
    await Promise.all(
      Array.from({ length: 500 }, (_, code) => {
        return app.inject({ url: `/auth/bitbucket/callback?code=${code}&state=${state}`, headers })
      }),
    )
    expect(countExchanges(emulator())).toBe(1)
    expect(rows(file)).toEqual([0, 0, 0, 1])
  })

  it('with expired flows cause no request to the provider, and do not accumulate rows', async () => {
    const file = temporaryFile()
    let now = Date.now()
    const app = await buildApp(emulator(), { store: sqlite(file), clock: () => now })
    const browser = createBrowser(app)
    const callbacks: { url: string; cookie: string }[] = []
    for (let flow = 0; flow < 50; flow++) {
      const { headers } = await app.inject('/auth/bitbucket/start')
      const state = new URL(String(headers.location)).searchParams.get('state')
      const cookie = String(headers['set-cookie']).split(';', 1)[0] ?? ''
      callbacks.push({ url: `/auth/bitbucket/callback?code=c&state=${state}`, cookie })
    }
    now += 11 * 60 * 1000
    for (const { url, cookie } of callbacks) {
      const answer = await app.inject({ url, headers: { cookie } })
      expect(answer.headers.location).toBe('/auth/sign-in?auth_error=flow_expired')
    }
    expect(countExchanges(emulator())).toBe(0)
    now += 24 * 60 * 60 * 1000
    expect((await browser.signIn('ada')).headers.location).toBe('/')
    expect(countRows(file, 'used_flows')).toBe(1)
  })

  it('from a page on another site do not evict a flow in progress', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    const url = await browser.start()
    for (let request = 0; request < 20; request++) {
      const navigation = { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document' }
      await browser.get('/auth/bitbucket/start', navigation)
      await browser.get('/auth/bitbucket/start', { 'sec-fetch-dest': 'image' })
      await browser.get(`/auth/bitbucket/callback?code=c&state=${request}`, navigation)
      await browser.get('/auth/bitbucket/callback?error=access_denied', navigation)
    }
    const callback = await browser.consent(url, { user: 'ada' })
    expect((await browser.get(callback)).headers.location).toBe('/')
  })
})

describe('a request that is too large', () => {
  it.each([
    ['its target', `GET /auth/bitbucket/start?return_to=/${'x'.repeat(20_000)} HTTP/1.1`],
    ['its parameters', `GET /auth/sign-in?${'a&'.repeat(10_000)} HTTP/1.1`],
    ['its state', `GET /auth/bitbucket/callback?state=${'x'.repeat(20_000)} HTTP/1.1`],
    ['its cookie', `GET /auth/session HTTP/1.1\r\nCookie: a=${'x'.repeat(20_000)}`],
  ])('in %s is rejected by Node', async (_what, line) => {
    const app = await listening(await buildApp(emulator()))
    const answer = await sendRaw(app, [line, 'Host: localhost'])
    expect(answer).toMatch(/^HTTP\/1\.1 431 /)
    expect((await createBrowser(app).signIn('ada')).headers.location).toBe('/')
  })

  it.each([
    ['of an announced length', ['Content-Length: 1000000'], ''],
    [
      'in chunks',
      ['Transfer-Encoding: chunked'],
      `${(17_000).toString(16)}\r\n${'x'.repeat(17_000)}\r\n`,
    ],
  ])('with a body %s is rejected without waiting for the rest', async (_what, framing, body) => {
    const app = await listening(await buildApp(emulator()))
    const ask = (origin: string): Promise<string> => {
      const lines = ['POST /auth/sign-out HTTP/1.1', 'Host: localhost', `Origin: ${origin}`]
      return sendRaw(app, [...lines, 'Content-Type: application/json', ...framing], body)
    }
    const own = await ask('http://localhost:3000')
    expect(own).toMatch(/^HTTP\/1\.1 413 /)
    expect(own).toContain('"code":"invalid_request"')
    expect(await ask('https://evil.example')).toMatch(/^HTTP\/1\.1 403 /)
  })

  it('with a body on the start route starts, without reading the body', async () => {
    const app = await listening(await buildApp(emulator()))
    const lines = ['GET /auth/bitbucket/start HTTP/1.1', 'Host: localhost:3000']
    const answer = await sendRaw(app, [...lines, 'Content-Length: 1000000'])
    expect(answer).toMatch(/^HTTP\/1\.1 303 /)
  })

  it('is truncated if the server accepts it', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    const mega = 'x'.repeat(1_000_000)
    const url = await browser.start(`?return_to=/${mega}&login_hint=${mega}&prompt=${mega}`, {
      referer: `http://localhost:3000/${mega}`,
    })
    expect(url.length).toBeLessThan(1000)
    expect(browser.cookies().length).toBeLessThan(1000)
    const denied = await browser.get(await browser.consent(url, { decision: 'deny' }))
    expect(denied.headers.location).toBe('/auth/sign-in?auth_error=access_denied')
    const callback = await browser.get(`/auth/bitbucket/callback?code=${mega}&state=${mega}`)
    expect(callback.headers.location).toBe('/auth/sign-in?auth_error=flow_missing')
    const page = await browser.get(`/auth/sign-in?auth_error=${mega}&return_to=/${mega}`)
    expect(page.body.length).toBeLessThan(10_000)
    const cookies = `latchkey-3000=${mega}; ${'a=b; '.repeat(100_000)}`
    const session = await app.inject({ url: '/auth/session', headers: { cookie: cookies } })
    expect(session.json()).toEqual({ user: null, session: null })
  })

  it.each([
    ['nested arrays', '['.repeat(2000) + ']'.repeat(2000), 400],
    ['nested objects', `${'{"a":'.repeat(600)}1${'}'.repeat(600)}`, 204],
    ['unclosed braces', '{"a":'.repeat(800), 400],
    ['ten thousand nested objects', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`, 413],
    ['a very long number', `{"scope":${'9'.repeat(4000)}}`, 400],
  ])('with %s is handled within limits', async (_what, payload, status) => {
    const app = await buildApp(emulator())
    const headers = { origin: 'http://localhost:3000', 'content-type': 'application/json' }
    const answer = await app.inject({ method: 'POST', url: '/auth/sign-out', headers, payload })
    expect(answer.statusCode).toBe(status)
  })
})

describe('clients that never finish their requests', () => {
  const sockets: Socket[] = []
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy()
  })

  it.each([
    ['in the middle of their headers', 'GET /auth/bitbucket/start HTTP/1.1\r\nHost: loc'],
    [
      'in the middle of their body',
      'POST /auth/sign-out HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost:3000\r\nContent-Length: 100\r\n\r\n{',
    ],
  ])('%s do not prevent others from signing in and out', async (_where, beginning) => {
    const app = await listening(await buildApp(emulator()))
    const { port } = app.server.address() as AddressInfo
    for (let client = 0; client < 100; client++) {
      const socket = connect(port, '127.0.0.1')
      sockets.push(socket)
      await once(socket, 'connect')
      socket.write(beginning)
    }
    const browser = createBrowser(app)
    expect((await browser.signIn('ada')).headers.location).toBe('/')
    expect(await sendRaw(app, ['GET /auth/session HTTP/1.1', 'Host: localhost'])).toMatch(/ 200 /)
    expect((await browser.post('/auth/sign-out')).statusCode).toBe(204)
  })
})

describe('the real or claimed address of a request', () => {
  const SPOOFED = ['1.2.3.4', '::ffff:1.2.3.4', '2001:DB8::1', '2001:db8::2', 'unknown', "'--"]

  it('is not bound to a session or a flow', async () => {
    const app = Fastify({ trustProxy: true })
    await app.register(latchkey, {
      origin: 'http://localhost:3000',
      secret: SECRET,
      providers: [bitbucket({ emulatorUrl: emulator().url })],
      store: sqlite(':memory:'),
    })
    const browser = createBrowser(app)
    const [first = '', ...others] = SPOOFED
    const url = await browser.start('', { 'x-forwarded-for': first })
    const callback = await browser.consent(url, { user: 'ada' })
    await browser.get(callback, { 'x-forwarded-for': '9.9.9.9' })
    for (const address of others) {
      const session = await browser.get('/auth/session', { 'x-forwarded-for': address })
      expect(session.json()).toMatchObject({ user: { name: 'Ada Test' } })
    }
    await app.close()
  })

  it('is left to a rate limiter, whose rejection is readable and does not affect anyone else', async () => {
    const app = Fastify()
    const asked = new Map<string, number>()
    // Like @fastify/rate-limit: a header, and an error with a status.
    app.addHook('onRequest', async (request, reply) => {
      const times = (asked.get(request.ip) ?? 0) + 1
      asked.set(request.ip, times)
      if (times <= 3) return
      reply.header('retry-after', 60)
      throw Object.assign(new Error('over the limit'), { statusCode: 429 })
    })
    await app.register(latchkey, {
      origin: 'http://localhost:3000',
      secret: SECRET,
      providers: [bitbucket({ emulatorUrl: emulator().url })],
      store: sqlite(':memory:'),
    })
    const statuses: number[] = []
    for (const address of SPOOFED) {
      const headers = { 'x-forwarded-for': address, forwarded: `for=${address}` }
      statuses.push((await app.inject({ url: '/auth/bitbucket/start', headers })).statusCode)
    }
    expect(statuses).toEqual([303, 303, 303, 429, 429, 429])
    for (const url of [
      '/auth/bitbucket/callback?code=c&state=s',
      '/auth/session',
      '/auth/nothing',
    ]) {
      const refused = await app.inject(url)
      expect(refused.statusCode).toBe(429)
      expect(refused.headers['retry-after']).toBe('60')
      expect(refused.headers['set-cookie']).toBeUndefined()
      expect(refused.json()).toEqual({
        error: {
          code: 'too_many_requests',
          message: 'Too many attempts. Wait a moment, then try again.',
        },
      })
    }
    const other = await app.inject({ url: '/auth/bitbucket/start', remoteAddress: '10.0.0.7' })
    expect(other.statusCode).toBe(303)
    await app.close()
  })
})
