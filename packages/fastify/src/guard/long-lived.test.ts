import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import fastifyHttpProxy from '@fastify/http-proxy'
import websocket from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  type EndReason,
  type LatchkeyEvents,
  type LatchkeyOptions,
  SessionEndedError,
} from '../index.ts'
import { buildApp, setUpEmulator } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'
import { type Shared, shareables, sharedFile } from '../testing/kept.ts'
import { ask, emptyDatabase } from '../testing/postgres.ts'

const emulator = setUpEmulator()
const ORIGIN = 'http://localhost:3000'
const SIBLING = 'http://sibling.localhost:3000'

type Ended = LatchkeyEvents['session-ended']

interface Server {
  readonly app: FastifyInstance
  readonly url: string
  /** The `session-ended` events of this server. */
  readonly ended: Ended[]
  /** The server's log lines about ended sessions. */
  readonly lines: object[]
}

/** Starts a server with guarded WebSockets and a guarded event stream. */
async function serve(options: LatchkeyOptions): Promise<Server> {
  const lines: object[] = []
  const app = await buildApp(emulator(), options, {
    write(line) {
      const entry = JSON.parse(line)
      if (entry.event === 'session-ended') lines.push(entry)
    },
  })
  const ended: Ended[] = []
  app.latchkey.on('session-ended', (event) => void ended.push(event))
  await app.register(websocket)
  const onRequest = app.latchkey.guard()
  app.register(async (context) => {
    context.get('/socket', { websocket: true, onRequest }, (socket, request) => {
      socket.send(request.auth.user.name ?? '')
    })
    context.get('/asks', { websocket: true }, (socket, request) => {
      socket.on('message', async () => {
        socket.send((await request.getAuth())?.user.name ?? 'nobody')
      })
    })
    const kept = app.latchkey.guard({ keepUpgradedConnectionsAfterSessionEnds: true })
    context.get('/kept', { websocket: true, onRequest: kept }, (socket, request) => {
      request.auth.signal.addEventListener('abort', () => {
        socket.send(`ended: ${request.auth.signal.reason.reason}`)
      })
      socket.send('open')
    })
    context.get('/polite', { websocket: true, onRequest }, (socket, request) => {
      request.auth.signal.addEventListener('abort', () => socket.close(4401, 'signed out'))
      socket.send('open')
    })
  })
  app.get('/events', { onRequest }, (request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
    reply.raw.write('data: hello\n\n')
    request.auth.signal.addEventListener('abort', () => {
      reply.raw.end(`data: ${request.auth.signal.reason.reason}\n\n`)
    })
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  return { app, url: `127.0.0.1:${port}`, ended, lines }
}

async function signIn(
  { app }: Server,
  person = 'ada',
): Promise<{ cookie: string; userId: string; id: string }> {
  const browser = createBrowser(app)
  await browser.signIn(person)
  const { user, session } = (await browser.get('/auth/session')).json()
  return { cookie: browser.cookies(), userId: user.id, id: session.id }
}

interface Socket {
  readonly socket: WebSocket
  readonly messages: string[]
  readonly closed: Promise<CloseEvent>
}

async function open(
  server: Server,
  path: string,
  headers: Record<string, string>,
): Promise<Socket> {
  const socket = new WebSocket(`ws://${server.url}${path}`, { headers })
  onTestFinished(() => socket.close())
  const messages: string[] = []
  socket.addEventListener('message', ({ data }) => messages.push(String(data)))
  const closed = once(socket, 'close').then(([event]) => event as CloseEvent)
  const [event] = await Promise.race([once(socket, 'open'), once(socket, 'error')])
  if (event.type === 'error') throw new Error('refused')
  return { socket, messages, closed }
}

/** Opens the event stream. Returns a function that waits until it ends and returns its content. */
async function listen(server: Server, cookie: string): Promise<() => Promise<string>> {
  const answer = await fetch(`http://${server.url}/events`, { headers: { cookie } })
  expect(answer.status).toBe(200)
  return () => answer.text()
}

describe('a handshake', () => {
  const attempts: [what: string, headers: Record<string, string>, passes: boolean][] = [
    ['from a page of the application', { origin: ORIGIN }, true],
    [
      'from a page of the application, with Fetch Metadata',
      { origin: ORIGIN, 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'websocket' },
      true,
    ],
    ['from a client that is not a browser', {}, true],
    ['from a page on a sibling host', { origin: SIBLING }, false],
    ['from a page on another port', { origin: 'http://localhost:3001' }, false],
    [
      'from a page on the same host with another scheme',
      { origin: 'https://localhost:3000' },
      false,
    ],
    ['from a page with an opaque origin', { origin: 'null' }, false],
    [
      'from a page with an opaque origin that claims to be same-origin',
      { origin: 'null', 'sec-fetch-site': 'same-origin' },
      false,
    ],
    [
      'from a sibling host that claims to be same-origin',
      { origin: SIBLING, 'sec-fetch-site': 'same-origin' },
      false,
    ],
    [
      'without an origin, from another site according to Fetch Metadata',
      { 'sec-fetch-site': 'same-site' },
      false,
    ],
  ]

  it.each(attempts)(
    '%s gets the same result from a guard and from getAuth()',
    async (_what, headers, passes) => {
      const server = await serve({})
      const { cookie } = await signIn(server)
      const attempt = open(server, '/socket', { cookie, ...headers })
      if (passes) {
        const { messages } = await attempt
        await vi.waitFor(() => expect(messages).toEqual(['Ada Test']))
      } else await expect(attempt).rejects.toThrow('refused')
      const { socket, messages } = await open(server, '/asks', { cookie, ...headers })
      socket.send('who?')
      await vi.waitFor(() => expect(messages).toEqual([passes ? 'Ada Test' : 'nobody']))
    },
  )

  it('through @fastify/http-proxy follows the same rules', async () => {
    const upstream = await serve({})
    const front = await buildApp(emulator())
    const onRequest = front.latchkey.guard()
    await front.register(async (context) => {
      context.addHook('onRequest', onRequest)
      await context.register(fastifyHttpProxy, {
        upstream: `http://${upstream.url}`,
        prefix: '/proxied',
        rewritePrefix: '/asks',
        websocket: true,
      })
    })
    await front.listen({ host: '127.0.0.1', port: 0 })
    const { port } = front.server.address() as AddressInfo
    const proxied: Server = { ...upstream, app: front, url: `127.0.0.1:${port}` }
    const { cookie, userId } = await signIn(proxied)
    for (const origin of [SIBLING, 'null']) {
      await expect(open(proxied, '/proxied', { cookie, origin })).rejects.toThrow('refused')
    }
    const { socket, messages, closed } = await open(proxied, '/proxied', { cookie, origin: ORIGIN })
    socket.send('who?')
    await vi.waitFor(() => expect(messages).toEqual(['nobody']))
    await front.latchkey.users.ban(userId)
    await closed
  })

  it('that is rejected gets the same response as a rejected request', async () => {
    const app = await buildApp(emulator())
    app.get('/guarded', { onRequest: app.latchkey.guard() }, async () => 'secret')
    const browser = createBrowser(app)
    await browser.signIn('ada')
    const headers = { cookie: browser.cookies(), upgrade: 'websocket', connection: 'Upgrade' }
    const foreign = await app.inject({ url: '/guarded', headers: { ...headers, origin: SIBLING } })
    expect([foreign.statusCode, foreign.json().error.code]).toEqual([403, 'cross_site'])
    const own = await app.inject({ url: '/guarded', headers: { ...headers, origin: ORIGIN } })
    expect(own.body).toBe('secret')
  })
})

interface Scene {
  readonly server: Server
  readonly cookie: string
  readonly userId: string
  readonly id: string
}

/** Everything that ends a session, with the expected reason. */
const endings: [what: string, reason: EndReason, end: (scene: Scene) => Promise<unknown>][] = [
  ['a sign-out', 'sign-out', ({ server, cookie }) => post(server, '/auth/sign-out', cookie)],
  [
    'a sign-out of other sessions',
    'sign-out',
    async ({ server }) => {
      const other = await signIn(server)
      await post(server, '/auth/sign-out', other.cookie, { scope: 'others' })
    },
  ],
  [
    'a revocation by the user',
    'revoked',
    async ({ server, id }) => {
      const { cookie } = await signIn(server)
      const headers = { cookie, origin: ORIGIN }
      await server.app.inject({ method: 'DELETE', url: `/auth/sessions/${id}`, headers })
    },
  ],
  ['sessions.revoke()', 'revoked', ({ server, id }) => server.app.latchkey.sessions.revoke(id)],
  [
    'sessions.revokeAll()',
    'revoked',
    ({ server, userId }) => server.app.latchkey.sessions.revokeAll(userId),
  ],
  [
    'sessions.revokeEverything()',
    'revoked',
    ({ server }) => server.app.latchkey.sessions.revokeEverything(),
  ],
  ['a ban', 'banned', ({ server, userId }) => server.app.latchkey.users.ban(userId)],
  [
    'a deletion of the user',
    'deleted',
    ({ server, userId }) => server.app.latchkey.users.delete(userId),
  ],
  [
    'a sign-in as another user in the same browser',
    'replaced',
    async ({ server, cookie }) => {
      const browser = createBrowser(server.app)
      await browser.jar.setCookie(cookie, browser.origin)
      await browser.signIn('ben')
    },
  ],
  [
    'one more session than the limit allows',
    'limit',
    async ({ server }) => {
      await signIn(server)
      await signIn(server)
    },
  ],
]

async function post(
  server: Server,
  url: string,
  cookie: string,
  payload: object = {},
): Promise<void> {
  const headers = { cookie, origin: ORIGIN }
  const answer = await server.app.inject({ method: 'POST', url, headers, payload })
  expect(answer.statusCode).toBe(204)
}

function ticking(): () => number {
  let now = Date.now()
  return () => ++now
}

const session = { maxPerUser: 2 }

/** Starts two servers that share their sessions. */
async function serveTwo(shared: Shared): Promise<[Server, Server]> {
  const clock = ticking()
  const two: [Server, Server] = [
    await serve({ store: shared.store(), session, clock }),
    await serve({ store: shared.store(), session, clock }),
  ]
  return two
}

describe.each(shareables)('with %s, an open connection', (_kept, share) => {
  it.each(endings)(
    'is closed on every server after %s, with the reason, and each server reports it once',
    async (_what, reason, end) => {
      const [server, there] = await serveTwo(await share())
      const scene = { server, ...(await signIn(server)) }
      const { cookie, id, userId } = scene
      const sockets = [
        await open(server, '/socket', { cookie }),
        await open(there, '/socket', { cookie }),
      ]
      const streams = [await listen(server, cookie), await listen(there, cookie)]
      await end(scene)
      for (const { closed } of sockets) await closed
      for (const stream of streams)
        expect(await stream()).toBe(`data: hello\n\ndata: ${reason}\n\n`)
      for (const { ended, lines } of [server, there]) {
        await vi.waitFor(() => expect(ended).toContainEqual({ sessionId: id, userId, reason }))
        expect(ended.filter(({ sessionId }) => sessionId === id)).toHaveLength(1)
        const mine = lines.filter((line) => Object(line).sessionId === id)
        expect(mine).toEqual([expect.objectContaining({ level: 30, userId, reason })])
      }
    },
  )

  it('with an old session secret is closed as replaced, and the session continues', async () => {
    const [server, there] = await serveTwo(await share())
    const { cookie, id } = await signIn(server)
    const streams = [await listen(server, cookie), await listen(there, cookie)]
    await post(server, '/auth/sign-out', cookie, { scope: 'others' })
    for (const stream of streams) expect(await stream()).toBe('data: hello\n\ndata: replaced\n\n')
    expect([...server.ended, ...there.ended].filter(({ sessionId }) => sessionId === id)).toEqual(
      [],
    )
  })

  it('stays open when its user is renamed, or another user’s session ends', async () => {
    const shared = await share()
    const [server, there] = await serveTwo(shared)
    const { cookie, userId } = await signIn(server)
    const stream = await listen(there, cookie)
    const { socket, messages } = await open(there, '/kept', { cookie })
    await shared.ask(
      `update latchkey_users set name = 'Renamed' where id = '${userId}' returning id`,
    )
    const other = await signIn(server, 'ben')
    await server.app.latchkey.users.ban(other.userId)
    // At that point, this server has received both changes.
    await vi.waitFor(() => expect(there.ended).toHaveLength(1), 20_000)
    await vi.waitFor(async () => {
      const headers = { cookie }
      const answer = await there.app.inject({ url: '/auth/session', headers })
      expect(answer.json().user.name).toBe('Renamed')
    }, 20_000)
    expect([socket.readyState, messages]).toEqual([WebSocket.OPEN, ['open']])
    await server.app.latchkey.users.ban(userId)
    expect(await stream()).toBe('data: hello\n\ndata: banned\n\n')
  })

  it.each([
    ['delete from latchkey_sessions', 'unknown'],
    ['update latchkey_users set banned_at = 1', 'banned'],
    ["update latchkey_sessions set secret_hash = 'other'", 'replaced'],
    ['update latchkey_sessions set expires_at = 1', 'expired'],
  ])('is closed after `%s` in the database (%s)', async (statement, reason) => {
    const shared = await share()
    const [server, there] = await serveTwo(shared)
    const { cookie } = await signIn(server)
    const streams = [await listen(server, cookie), await listen(there, cookie)]
    await shared.ask(statement)
    for (const stream of streams) expect(await stream()).toBe(`data: hello\n\ndata: ${reason}\n\n`)
  })

  it('is closed when all sessions are revoked', async () => {
    const shared = await share()
    const [server] = await serveTwo(shared)
    const scene = await signIn(server)
    const streams = [
      await listen(server, scene.cookie),
      await listen(server, (await signIn(server, 'ben')).cookie),
    ]
    await server.app.latchkey.sessions.revokeEverything()
    for (const stream of streams) expect(await stream()).toBe('data: hello\n\ndata: revoked\n\n')
  })
})

describe('an open connection', () => {
  it('is closed when the session expires, unless another server has used the session', async () => {
    let now = Date.now()
    const clock = (): number => now
    const shared = await sharedFile()
    const idle = { session: { idleTimeout: 10 * 60_000, lifetime: 60 * 60_000 } }
    const server = await serve({ store: shared.store(), clock, ...idle })
    const there = await serve({ store: shared.store(), clock, ...idle })
    const [used, unused] = [await signIn(server), await signIn(server, 'ben')]
    const open = await listen(server, used.cookie)
    const stream = await listen(server, unused.cookie)
    now += 9 * 60_000
    const { statusCode } = await there.app.inject({
      url: '/api/me',
      headers: { cookie: used.cookie },
    })
    expect(statusCode).toBe(200)
    await there.app.close()
    now += 2 * 60_000
    expect(await stream()).toBe('data: hello\n\ndata: expired\n\n')
    expect(server.ended).toEqual([
      { sessionId: unused.id, userId: unused.userId, reason: 'expired' },
    ])
    now += 60 * 60_000
    expect(await open()).toBe('data: hello\n\ndata: expired\n\n')
    expect(server.ended).toHaveLength(2)
  })

  it('can send a last message, and stays open with keepUpgradedConnectionsAfterSessionEnds', async () => {
    const server = await serve({})
    const { cookie, userId } = await signIn(server)
    const polite = await open(server, '/polite', { cookie })
    const kept = await open(server, '/kept', { cookie })
    await server.app.latchkey.users.ban(userId)
    expect(await polite.closed).toMatchObject({ code: 4401, reason: 'signed out' })
    await vi.waitFor(() => expect(kept.messages).toEqual(['open', 'ended: banned']))
    expect(kept.socket.readyState).toBe(WebSocket.OPEN)
  })

  it('gets null from getAuth() after the session has ended', async () => {
    const server = await serve({})
    const { cookie, userId } = await signIn(server)
    const { socket, messages } = await open(server, '/asks', { cookie })
    socket.send('who?')
    await vi.waitFor(() => expect(messages).toEqual(['Ada Test']))
    await server.app.latchkey.users.ban(userId)
    socket.send('and now?')
    await vi.waitFor(() => expect(messages).toEqual(['Ada Test', 'nobody']))
  })
})

describe('the signal', () => {
  it('is created once per request, and its reason says why the session ended', async () => {
    const app = await buildApp(emulator())
    const seen: unknown[] = []
    app.get('/slow', { onRequest: app.latchkey.guard() }, async (request) => {
      const { signal } = request.auth
      expect(request.auth.signal).toBe(signal)
      expect(signal.aborted).toBe(false)
      await app.latchkey.users.ban(request.auth.user.id)
      seen.push(signal.aborted, signal.reason)
      expect(await request.getAuth()).toBeNull()
      return request.auth
    })
    const browser = createBrowser(app)
    await browser.signIn('ada')
    const answer = await browser.get('/slow')
    // The signal is not part of the JSON.
    expect(Object.keys(answer.json())).toEqual(['user', 'session'])
    const [aborted, reason] = seen
    expect(aborted).toBe(true)
    expect(reason).toBeInstanceOf(SessionEndedError)
    expect(reason).toMatchObject({ reason: 'banned', code: 'LATCHKEY_SESSION_ENDED' })
  })

  it('causes a 401 if the route throws its reason', async () => {
    const app = await buildApp(emulator())
    app.get('/aborted', { onRequest: app.latchkey.guard() }, async ({ auth }) => {
      await app.latchkey.users.ban(auth.user.id)
      auth.signal.throwIfAborted()
    })
    const browser = createBrowser(app)
    await browser.signIn('ada')
    const answer = await browser.get('/aborted')
    expect([answer.statusCode, answer.json().code]).toEqual([401, 'LATCHKEY_SESSION_ENDED'])
  })

  it('is already aborted if the session ended before it was created', async () => {
    const app = await buildApp(emulator())
    const late: AbortSignal[] = []
    app.get('/late', { onRequest: app.latchkey.guard() }, async (request) => {
      await app.latchkey.users.delete(request.auth.user.id)
      late.push(request.auth.signal)
      return 'late'
    })
    const browser = createBrowser(app)
    await browser.signIn('ada')
    await browser.get('/late')
    expect(late[0]?.reason).toMatchObject({ reason: 'deleted' })
  })

  it('is aborted after another check if the store could not tell whether the session has ended', async () => {
    const url = await emptyDatabase()
    const { postgres } = await import('../store/postgres.ts')
    const app = await buildApp(emulator(), { store: postgres(url, { maxStaleness: 0 }) })
    const fired = Promise.withResolvers<unknown>()
    app.get('/late', { onRequest: app.latchkey.guard() }, async (request) => {
      await ask(url, 'delete from latchkey_sessions')
      request.auth.signal.addEventListener('abort', () => fired.resolve(request.auth.signal.reason))
      await fired.promise
      return 'late'
    })
    const browser = createBrowser(app)
    await browser.signIn('ada')
    await browser.get('/late')
    expect(await fired.promise).toMatchObject({ reason: 'unknown' })
  })
})
