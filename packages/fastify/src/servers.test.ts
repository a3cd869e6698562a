import { once } from 'node:events'
import { type ClientHttp2Session, connect } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import Fastify, { type FastifyInstance } from 'fastify'
import { generate } from 'selfsigned'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import latchkey, { bitbucket, type LatchkeyOptions } from './index.ts'
import { sqlite } from './store/sqlite.ts'
import { SECRET, setUpEmulator } from './testing/app.ts'
import { createBrowser } from './testing/browser.ts'

const emulator = setUpEmulator()
const closing: (() => unknown)[] = []
let https: { key: string; cert: string }

beforeAll(async () => {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }])
  https = { key, cert }
})

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const options = (): LatchkeyOptions => ({
  secret: SECRET,
  providers: [bitbucket({ emulatorUrl: emulator().url })],
  store: sqlite(':memory:'),
})

describe('a server with TLS', () => {
  it('has an https origin with its own port by default, and users can sign in', async () => {
    const app = Fastify({ https })
    closing.push(() => app.close())
    await app.register(latchkey, options())
    const verified = app.latchkey.guard({ check: ({ user }) => user.emailVerified })
    app.get('/api/me', { onRequest: verified }, async ({ auth }) => auth.user)
    await app.listen({ port: 0, host: 'localhost' })
    const { port } = app.server.address() as AddressInfo

    const browser = createBrowser(app, `https://localhost:${port}`)
    const consent = new URL(await browser.start())
    const redirectUri = `https://localhost:${port}/auth/bitbucket/callback`
    expect(consent.searchParams.get('redirect_uri')).toBe(redirectUri)
    const callback = await browser.consent(consent.href, { user: 'ada' })
    expect((await browser.get(callback)).headers.location).toBe('/')
    expect(browser.cookies()).toContain('__Host-latchkey=')
    expect((await browser.get('/api/me')).json()).toMatchObject({ name: 'Ada Test' })
  })
})

describe.each(['h2c', 'h2'] as const)('an HTTP/2 server (%s)', (protocol) => {
  it('lets users sign in, guards routes in any hook, and rejects pages on other origins', async () => {
    const [app, guarded] = protocol === 'h2' ? await secureHttp2() : await plainHttp2()
    const { port } = app.server.address() as AddressInfo
    const origin = `${protocol === 'h2' ? 'https' : 'http'}://localhost:${port}`
    const session = connect(origin, { rejectUnauthorized: false })
    closing.unshift(() => session.close())

    const browser = createBrowser({ inject: injectOver(session) }, origin)
    expect((await browser.get('/api/hook')).statusCode).toBe(401)
    expect((await browser.signIn('ada')).headers.location).toBe('/')
    for (const path of guarded) {
      expect((await browser.get(path)).json()).toMatchObject({ name: 'Ada Test' })
    }
    const foreign = { origin: 'https://sibling.example.com' }
    expect((await browser.post('/auth/sign-out', {}, foreign)).statusCode).toBe(403)
    expect((await browser.post('/auth/sign-out', {})).statusCode).toBe(204)
    expect((await browser.get('/api/hook')).statusCode).toBe(401)
  })
})

// There is one function per kind of server, so that the compiler checks the types of both.

async function secureHttp2(): Promise<readonly [Listening, string[]]> {
  const app = Fastify({ http2: true, https })
  closing.push(() => app.close())
  await app.register(latchkey, options())
  const guard = app.latchkey.guard()
  app.get('/api/hook', { onRequest: guard }, async ({ auth }) => auth.user)
  app.get('/api/list', { preValidation: [guard] }, async ({ auth }) => auth.user)
  await app.register(async (scope) => {
    scope.addHook('preHandler', guard)
    scope.get('/api/scope', async (request) => (await request.getAuth())?.user)
  })
  await app.listen({ port: 0, host: 'localhost' })
  return [app, ['/api/hook', '/api/list', '/api/scope']]
}

async function plainHttp2(): Promise<readonly [Listening, string[]]> {
  const app = Fastify({ http2: true })
  closing.push(() => app.close())
  await app.register(latchkey, options())
  const guard = app.latchkey.guard()
  app.route({
    method: 'GET',
    url: '/api/hook',
    onRequest: guard,
    handler: async ({ auth }) => auth.user,
  })
  app.addHook('onRequest', guard)
  app.get('/api/root', async ({ auth }) => auth.user)
  await app.listen({ port: 0, host: 'localhost' })
  return [app, ['/api/hook', '/api/root']]
}

type Listening = { readonly server: Pick<FastifyInstance['server'], 'address'> }

/** Returns the part of `inject()` that the test browser needs, over an HTTP/2 connection. */
function injectOver(session: ClientHttp2Session): FastifyInstance['inject'] {
  async function inject(request: {
    method: string
    url: string
    headers: Record<string, string>
    payload?: unknown
  }): Promise<unknown> {
    const { host, ...headers } = request.headers
    const type = request.payload === undefined ? {} : { 'content-type': 'application/json' }
    const stream = session.request({
      ':method': request.method,
      ':path': request.url,
      ':authority': host,
      ...type,
      ...headers,
    })
    stream.end(request.payload === undefined ? undefined : JSON.stringify(request.payload))
    const [answered] = await once(stream, 'response')
    const body = await text(stream)
    return {
      statusCode: answered[':status'],
      headers: answered,
      body,
      json: () => JSON.parse(body),
    }
  }
  return inject as unknown as FastifyInstance['inject']
}
