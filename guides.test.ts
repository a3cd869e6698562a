import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request as requestOf } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { defaultPeople } from './packages/bitbucket-emulator/src/index.ts'
import type { EndReason } from './packages/fastify/src/index.ts'
import type { buildApp } from './packages/fastify/src/testing/app.ts'
import { createBrowser } from './packages/fastify/src/testing/browser.ts'

// Runs the servers that are printed in the guides.

const root = import.meta.dirname
// Inside the demo, which has every package installed that the docs import.
const folder = join(root, 'apps/demo/.guides')
const GUIDE = 'docs/guides/long-lived.md'
const SESSIONS = 'docs/guides/sessions.md'
const DEPLOY = 'docs/guides/deploy.md'
const COMING_FROM = 'docs/guides/coming-from.md'
const originalFolder = process.cwd()
let workingFolder: string

interface Server {
  readonly app: Awaited<ReturnType<typeof buildApp>>
  /** The sample's constants by name. */
  readonly printed: object
  readonly url: string
  /** The origin of the application's pages. */
  readonly origin: string
}

interface SignedIn {
  readonly cookie: string
  readonly userId: string
  readonly sessionId: string
}

const servers = new Map<string, Promise<Server>>()
const FOREIGN = 'http://sibling.localhost:3000'

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  // Without options, a server keeps its secret and its database in the current folder.
  workingFolder = mkdtempSync(join(tmpdir(), 'latchkey-docs-'))
  process.chdir(workingFolder)
})

afterEach(() => vi.unstubAllEnvs())

afterAll(async () => {
  for (const server of servers.values()) {
    const { app } = await server
    app.server.closeAllConnections()
    await app.close()
  }
  process.chdir(originalFolder)
  rmSync(workingFolder, { recursive: true, force: true })
  rmSync(folder, { recursive: true, force: true })
})

/** Returns the sections of a guide by heading. */
function partsOf(document: string): Map<string, string> {
  const parts = readFileSync(join(root, document), 'utf8').split(/^## (?:\d+\. )?(.*)$/m)
  const entries: [string, string][] = []
  for (let at = 1; at < parts.length; at += 2) entries.push([parts[at] ?? '', parts[at + 1] ?? ''])
  return new Map(entries)
}

function serversOf(part: string): string[] {
  const blocks = [...part.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code)
  return blocks.filter((code) => code.includes('Fastify({ logger: true })'))
}

/** Starts the server that is printed in a section of a guide, on a free port and without logging. */
function start(document: string, heading: string, word = ''): Promise<Server> {
  const key = `${document} ${heading}`
  const started = servers.get(key) ?? startServer(document, heading, word)
  servers.set(key, started)
  return started
}

async function startServer(document: string, heading: string, word: string): Promise<Server> {
  const [code, ...others] = serversOf(partsOf(document).get(heading) ?? '').filter((block) =>
    block.includes(word),
  )
  expect([typeof code, others.length]).toEqual(['string', 0])
  const listens = /^await app\.listen\(\{ port: 3000 \}\)\n/m
  const quiet = String(code).replace('logger: true', 'logger: false').replace(listens, '')
  const file = join(folder, `${heading.replaceAll(/\W+/g, '-')}.ts`)
  const names = [...quiet.matchAll(/^const (\w+) = /gm)].map(([, name]) => name)
  writeFileSync(file, `${quiet}\nexport { ${names.join(', ')} }\n`)
  const printed: Pick<Server, 'app'> = await import(/* @vite-ignore */ file)
  const { app } = printed
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  return { app, printed, url: `http://127.0.0.1:${port}`, origin: `http://localhost:${port}` }
}

async function signIn({ app }: Server): Promise<SignedIn> {
  const { id: userId } = await app.latchkey.users.create({ name: 'Ada Test' })
  const { cookie, session } = await app.latchkey.sessions.create(userId)
  return { cookie, userId, sessionId: session.id }
}

/** Returns the status of the response to a handshake. */
async function handshake(
  { url }: Server,
  path: string,
  headers: Record<string, string>,
): Promise<number | undefined> {
  const request = requestOf(url + path, {
    headers: {
      ...headers,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
    },
  })
  request.end()
  const [{ statusCode, socket }] = await Promise.race([
    once(request, 'response'),
    once(request, 'upgrade'),
  ])
  socket.destroy()
  return statusCode
}

interface Connection {
  readonly socket: WebSocket
  readonly messages: string[]
  /** The code and reason from the close event. */
  readonly closed: Promise<[code: number, reason: string]>
}

async function open(
  { url }: Server,
  path: string,
  headers: Record<string, string>,
): Promise<Connection> {
  const socket = new WebSocket(url.replace('http', 'ws') + path, { headers })
  onTestFinished(() => socket.close())
  const messages: string[] = []
  socket.addEventListener('message', ({ data }) => messages.push(String(data)))
  const { promise: closed, resolve } = Promise.withResolvers<[number, string]>()
  socket.addEventListener('close', ({ code, reason }) => resolve([code, reason]))
  await once(socket, 'open')
  return { socket, messages, closed }
}

/** A server behind the proxy that accepts every WebSocket, and whose responses do not end. */
async function startUpstream(): Promise<{ url: string; sockets: Duplex[] }> {
  const sockets: Duplex[] = []
  const server = createServer((_request, response) => response.write('data: hello\n\n'))
  server.on('upgrade', ({ headers }, socket) => {
    // https://www.rfc-editor.org/rfc/rfc6455#section-1.3
    const text = `${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
    const accept = createHash('sha1').update(text).digest('base64')
    const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade']
    socket.write([...lines, `Sec-WebSocket-Accept: ${accept}`, '', ''].join('\r\n'))
    // The first frame closes the connection.
    socket.once('data', () => socket.end())
    sockets.push(socket)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets }
}

describe(GUIDE, () => {
  it('explains every reason, and prints a server in each section that is tested below', () => {
    const parts = partsOf(GUIDE)
    const table = parts.get('What happens when a session ends') ?? ''
    const explained = [...table.matchAll(/^\| `([\w-]+)` /gm)].map(([, reason]) => reason)
    const reasons: Record<EndReason, true> = {
      'sign-out': true,
      revoked: true,
      replaced: true,
      expired: true,
      banned: true,
      deleted: true,
      limit: true,
      workspace: true,
      unknown: true,
    }
    expect(explained).toEqual(Object.keys(reasons))
    const printing = [...parts].flatMap(([heading, part]) => serversOf(part).map(() => heading))
    expect(printing).toEqual([
      'WebSockets with @fastify/websocket',
      'WebSockets without a guard',
      'A proxy with @fastify/http-proxy',
      'Server-sent events',
      'Streamed downloads',
      'Requests to another server',
      'Your own registry of connections',
    ])
  })

  it('closes a WebSocket with its own close code when the user is banned', async () => {
    const server = await start(GUIDE, 'WebSockets with @fastify/websocket')
    const { cookie, userId } = await signIn(server)
    const { socket, messages, closed } = await open(server, '/api/chat', {
      cookie,
      origin: server.origin,
    })
    socket.send('hello')
    await vi.waitFor(() => expect(messages).toEqual(['Ada Test wrote hello']))
    await server.app.latchkey.users.ban(userId)
    expect(await closed).toEqual([4001, 'banned'])
    expect(await handshake(server, '/api/chat', { cookie, origin: server.origin })).toBe(401)
  })

  it('opens a WebSocket for pages of the application and for clients other than browsers', async () => {
    const server = await start(GUIDE, 'WebSockets with @fastify/websocket')
    const { cookie } = await signIn(server)
    expect(await handshake(server, '/api/chat', { cookie, origin: server.origin })).toBe(101)
    expect(await handshake(server, '/api/chat', { cookie })).toBe(101)
    expect(await handshake(server, '/api/chat', { cookie, origin: FOREIGN })).toBe(403)
    expect(await handshake(server, '/api/chat', { cookie, origin: 'null' })).toBe(403)
  })

  it('closes this browser’s connections on "sign out everywhere else", and lets it reconnect', async () => {
    const server = await start(GUIDE, 'WebSockets with @fastify/websocket')
    const { cookie } = await signIn(server)
    const { origin } = server
    const { closed } = await open(server, '/api/chat', { cookie, origin })
    const response = await server.app.inject({
      method: 'POST',
      url: '/auth/sign-out',
      headers: { cookie, origin },
      payload: { scope: 'others' },
    })
    expect(await closed).toEqual([4001, 'replaced'])
    const [renewed = ''] = String(response.headers['set-cookie']).split(';')
    expect(await handshake(server, '/api/chat', { cookie: renewed, origin })).toBe(101)
  })

  it('checks the session on each message, and treats pages on another origin as signed out', async () => {
    const server = await start(GUIDE, 'WebSockets without a guard')
    const { cookie, sessionId } = await signIn(server)
    const own = await open(server, '/api/lobby', { cookie, origin: server.origin })
    const foreign = await open(server, '/api/lobby', { cookie, origin: FOREIGN })
    for (const { socket } of [own, foreign]) socket.send('who?')
    await vi.waitFor(() => expect(own.messages).toEqual(['You are Ada Test.']))
    await vi.waitFor(() => expect(foreign.messages).toEqual(['You are signed out.']))
    await server.app.latchkey.sessions.revoke(sessionId)
    own.socket.send('and now?')
    await vi.waitFor(() => expect(own.messages.at(-1)).toBe('You are signed out.'))
  })

  it('closes proxied connections and the connection to the upstream server', async () => {
    const upstream = await startUpstream()
    vi.stubEnv('LIVE_UPSTREAM', upstream.url)
    const server = await start(GUIDE, 'A proxy with @fastify/http-proxy')
    const { cookie, sessionId } = await signIn(server)
    for (const origin of [FOREIGN, 'null']) {
      expect(await handshake(server, '/live/socket', { cookie, origin })).toBe(403)
    }
    expect(upstream.sockets).toEqual([])
    const { closed } = await open(server, '/live/socket', { cookie, origin: server.origin })
    await vi.waitFor(() => expect(upstream.sockets).toHaveLength(1))
    const events = await fetch(`${server.url}/live/events`, { headers: { cookie } })
    expect(events.status).toBe(200)
    await server.app.latchkey.sessions.revoke(sessionId)
    await closed
    await expect(events.text()).rejects.toThrow()
    await vi.waitFor(() => expect(upstream.sockets[0]?.closed).toBe(true))
  })

  it('sends a last event before it ends an event stream', async () => {
    const server = await start(GUIDE, 'Server-sent events')
    const { cookie, userId } = await signIn(server)
    const response = await fetch(`${server.url}/api/events`, { headers: { cookie } })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    await server.app.latchkey.users.ban(userId)
    const events = await response.text()
    expect(events).toMatch(/^data: 20.*\n\n/)
    expect(events).toMatch(/event: session-ended\ndata: banned\n\n$/)
  })

  it('cuts off a download', async () => {
    const server = await start(GUIDE, 'Streamed downloads')
    const { cookie, sessionId } = await signIn(server)
    const response = await fetch(`${server.url}/api/invoices.csv`, { headers: { cookie } })
    expect(response.status).toBe(200)
    await server.app.latchkey.sessions.revoke(sessionId)
    await expect(response.text()).rejects.toThrow()
  })

  it('cancels the request to another server', async () => {
    const cancelled = Promise.withResolvers<void>()
    const reports = createServer((request, response) => {
      request.once('close', cancelled.resolve)
      arrived.resolve()
      if (begins) response.write('{')
    })
    let begins = false
    let arrived = Promise.withResolvers<void>()
    await once(reports.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => {
      reports.closeAllConnections()
      reports.close()
    })
    vi.stubEnv('REPORTS_URL', `http://127.0.0.1:${(reports.address() as AddressInfo).port}`)
    const server = await start(GUIDE, 'Requests to another server')
    const ask = ({ cookie }: SignedIn): Promise<Response> =>
      fetch(`${server.url}/api/report`, { headers: { cookie } })

    const ada = await signIn(server)
    const response = ask(ada)
    await arrived.promise
    await server.app.latchkey.users.delete(ada.userId)
    expect((await response).status).toBe(401)
    await cancelled.promise

    begins = true
    arrived = Promise.withResolvers()
    const ben = await signIn(server)
    const begun = await ask(ben)
    expect(begun.status).toBe(200)
    await server.app.latchkey.users.delete(ben.userId)
    await expect(begun.text()).rejects.toThrow()
  })

  it('keeps a connection open, and lets the application send a message about the end', async () => {
    const server = await start(GUIDE, 'Your own registry of connections')
    const { cookie, userId } = await signIn(server)
    const { socket, messages } = await open(server, '/api/board', { cookie, origin: server.origin })
    await server.app.latchkey.users.ban(userId)
    await vi.waitFor(() => {
      expect(messages.map((message) => JSON.parse(message))).toEqual([
        { event: 'read-only', reason: 'banned' },
      ])
    })
    expect(socket.readyState).toBe(WebSocket.OPEN)
  })
})

describe(SESSIONS, () => {
  it('accepts a session or an API key, and rejects requests with neither', async () => {
    const API_KEY = randomBytes(16).toString('hex')
    vi.stubEnv('API_KEY', API_KEY)
    const server = await start(SESSIONS, 'Protect routes with guards', '@fastify/auth')
    const { cookie } = await signIn(server)
    const ask = async (headers: Record<string, string>): Promise<[number, unknown]> => {
      const response = await server.app.inject({ url: '/api/status', headers })
      return [response.statusCode, response.statusCode === 200 ? response.json() : null]
    }
    expect(await ask({ cookie })).toEqual([200, { for: 'Ada Test' }])
    expect(await ask({ 'x-api-key': API_KEY })).toEqual([200, { for: 'an API key' }])
    expect(await ask({ cookie, 'x-api-key': 'wrong' })).toEqual([200, { for: 'Ada Test' }])
    expect(await ask({ 'x-api-key': 'wrong' })).toEqual([401, null])
    expect(await ask({ 'x-api-key': '' })).toEqual([401, null])
    expect(await ask({})).toEqual([401, null])
  })
})

describe(DEPLOY, () => {
  it('links to the path that browsers use behind a proxy that strips a prefix', async () => {
    const { app } = await start(DEPLOY, 'A proxy that strips a path prefix')
    const page = await app.inject({ url: '/auth/sign-in', headers: { host: 'app.example.com' } })
    expect(page.body).toContain('href="/api/auth/bitbucket/start')
  })

  it('renames the decorators of a request', async () => {
    const { app } = await start(DEPLOY, 'Plugins with the same decorators')
    const names = ['person', 'getPerson', 'auth', 'getAuth']
    expect(names.filter((name) => app.hasRequestDecorator(name))).toEqual(['person', 'getPerson'])
  })

  it('keeps its own policies on its pages with Helmet, and remembers where a sign-in began', async () => {
    const { app, origin } = await start(DEPLOY, 'Helmet')
    const page = await app.inject('/')
    expect(page.headers['referrer-policy']).toBe('same-origin')
    expect(page.headers['content-security-policy']).toContain("img-src 'self' data: https:")
    const signInPage = await app.inject('/auth/sign-in')
    expect(signInPage.headers['content-security-policy']).toContain("default-src 'none'")
    const browser = createBrowser(app, origin)
    const consent = await browser.start('', { referer: `${origin}/pricing` })
    const denied = await browser.get(await browser.consent(consent, { decision: 'deny' }))
    expect(denied.headers.location).toBe('/pricing?auth_error=access_denied')
    expect((await browser.signIn('ada')).headers.location).toBe('/')
  })

  it('opens only a part of the API to other sites', async () => {
    const { app } = await start(DEPLOY, 'CORS')
    const ask = async (url: string): Promise<unknown[]> => {
      const { headers } = await app.inject({ url, headers: { origin: FOREIGN } })
      return [headers['access-control-allow-origin'], headers['access-control-allow-credentials']]
    }
    expect(await ask('/api/status')).toEqual(['*', undefined])
    expect(await ask('/api/me')).toEqual([undefined, undefined])
    expect(await ask('/auth/session')).toEqual([undefined, undefined])
  })

  it('serves the built pages, and index.html for the router’s paths', async () => {
    mkdirSync(join(folder, 'dist'))
    writeFileSync(join(folder, 'dist/index.html'), '<h1>The page</h1>')
    const { app } = await start(DEPLOY, 'Serve the built pages from Fastify')
    for (const path of ['/', '/reports/1']) {
      expect((await app.inject(path)).body).toBe('<h1>The page</h1>')
    }
    expect((await app.inject('/api/unknown')).json()).toEqual({ error: 'Not found' })
    expect((await app.inject('/auth/session')).json()).toMatchObject({ user: null })
    expect((await app.inject('/auth/unknown')).json()).toMatchObject({
      error: { code: 'not_found' },
    })
  })

  it('keeps its routes out of the OpenAPI document', async () => {
    const { app } = await start(DEPLOY, 'OpenAPI documents')
    const { swagger } = app as unknown as { swagger(): { paths: object } }
    expect(Object.keys(swagger().paths)).toEqual(['/api/me'])
  })
})

describe(COMING_FROM, () => {
  it('hands an old account over on the first sign-in, and retries on the next one if that failed', async () => {
    const { app, printed, origin } = await start(COMING_FROM, 'Migrate your users')
    const { oldIds, owners } = printed as Record<'oldIds' | 'owners', Map<string, string>>
    oldIds.set(String(defaultPeople[0]?.uuid), 'user_2abc')
    const browser = createBrowser(app, origin)
    for (let times = 0; times < 2; times++) {
      expect((await browser.signIn('ada')).headers.location).toBe('/')
      const { user } = (await browser.get('/auth/session')).json()
      await vi.waitFor(() => expect(owners.get('user_2abc')).toBe(user.id))
      owners.set('user_2abc', 'user_2abc')
    }
  })
})
