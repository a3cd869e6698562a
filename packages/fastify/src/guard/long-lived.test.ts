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
  /** What was emitted here. */
  readonly ended: Ended[]
  /** What was logged of it. */
  readonly lines: object[]
}

/** A server that listens, with a WebSocket, a proxied one, and a stream of events, each guarded. */
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

/** Opens the stream of events, and returns a function that waits for all of it. */
async function listen(server: Server, cookie: string): Promise<() => Promise<string>> {
  const answer = await fetch(`http://${server.url}/events`, { headers: { cookie } })
  expect(answer.status).toBe(200)
  return () => answer.text()
}

describe('a handshake', () => {
  const attempts: [what: string, headers: Record<string, string>, passes: boolean][] = [
    ['of a page of the application', { origin: ORIGIN }, true],
    [
      'of a page of the application, in a browser that says more',
      { origin: ORIGIN, 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'websocket' },
      true,
    ],
    ['of what is no browser', {}, true],
    ['of a page on a sibling host', { origin: SIBLING }, false],
    ['of a page on another port', { origin: 'http://localhost:3001' }, false],
    [
      'of a page of the same host without TLS, or with it',
      { origin: 'https://localhost:3000' },
      false,
    ],
    ['of a page without an origin', { origin: 'null' }, false],
    [
      'of such a page that calls itself the same',
      { origin: 'null', 'sec-fetch-site': 'same-origin' },
      false,
    ],
    [
      'of a sibling that calls itself the same',
      { origin: SIBLING, 'sec-fetch-site': 'same-origin' },
      false,
    ],
    ['that hides its origin, but not that it is foreign', { 'sec-fetch-site': 'same-site' }, false],
  ]

  it.each(attempts)(
    '%s is let through a guard or not, and is somebody’s or nobody’s',
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

  it('through @fastify/http-proxy is held to the same', async () => {
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

  it('that is refused gets the answer of a request that is', async () => {
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

/** Everything that ends a session, by the reason that it is said to end for. */
const endings: [what: string, reason: EndReason, end: (scene: Scene) => Promise<unknown>][] = [
  ['signed out', 'sign-out', ({ server, cookie }) => post(server, '/auth/sign-out', cookie)],
  [
    'signed out by another device',
    'sign-out',
    async ({ server }) => {
      const other = await signIn(server)
      await post(server, '/auth/sign-out', other.cookie, { scope: 'others' })
    },
  ],
  [
    'ended in a list',
    'revoked',
    async ({ server, id }) => {
      const { cookie } = await signIn(server)
      const headers = { cookie, origin: ORIGIN }
      await server.app.inject({ method: 'DELETE', url: `/auth/sessions/${id}`, headers })
    },
  ],
  ['revoked', 'revoked', ({ server, id }) => server.app.latchkey.sessions.revoke(id)],
  [
    'revoked with all of its user',
    'revoked',
    ({ server, userId }) => server.app.latchkey.sessions.revokeAll(userId),
  ],
  [
    'revoked with everybody’s',
    'revoked',
    ({ server }) => server.app.latchkey.sessions.revokeEverything(),
  ],
  [
    'of somebody who is banned',
    'banned',
    ({ server, userId }) => server.app.latchkey.users.ban(userId),
  ],
  [
    'of somebody who is deleted',
    'deleted',
    ({ server, userId }) => server.app.latchkey.users.delete(userId),
  ],
  [
    'of a browser that signs in as somebody else',
    'replaced',
    async ({ server, cookie }) => {
      const browser = createBrowser(server.app)
      await browser.jar.setCookie(cookie, browser.origin)
      await browser.signIn('ben')
    },
  ],
  [
    'that is one too many',
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

/** One server, and another that has the same sessions. */
async function serveTwo(shared: Shared): Promise<[Server, Server]> {
  const clock = ticking()
  const two: [Server, Server] = [
    await serve({ store: shared.store(), session, clock }),
    await serve({ store: shared.store(), session, clock }),
  ]
  return two
}

describe.each(shareables)('on %s, what is open for a session', (_kept, share) => {
  it.each(endings)(
    '%s is over on every server, with the reason, and each says so once',
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

  it('by its old secret ends as replaced, while the session goes on', async () => {
    const [server, there] = await serveTwo(await share())
    const { cookie, id } = await signIn(server)
    const streams = [await listen(server, cookie), await listen(there, cookie)]
    await post(server, '/auth/sign-out', cookie, { scope: 'others' })
    for (const stream of streams) expect(await stream()).toBe('data: hello\n\ndata: replaced\n\n')
    expect([...server.ended, ...there.ended].filter(({ sessionId }) => sessionId === id)).toEqual(
      [],
    )
  })

  it('goes on when its person is renamed, and when others end', async () => {
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
    // By then it has heard of both.
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
  ])('is over too after `%s` by hand (%s)', async (statement, reason) => {
    const shared = await share()
    const [server, there] = await serveTwo(shared)
    const { cookie } = await signIn(server)
    const streams = [await listen(server, cookie), await listen(there, cookie)]
    await shared.ask(statement)
    for (const stream of streams) expect(await stream()).toBe(`data: hello\n\ndata: ${reason}\n\n`)
  })

  it('is over when everything may have changed', async () => {
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

describe('what is open for a session', () => {
  it('ends when the session expires, by the clock, unless it was used elsewhere', async () => {
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

  it('may say goodbye first, and stays open where that was asked for', async () => {
    const server = await serve({})
    const { cookie, userId } = await signIn(server)
    const polite = await open(server, '/polite', { cookie })
    const kept = await open(server, '/kept', { cookie })
    await server.app.latchkey.users.ban(userId)
    expect(await polite.closed).toMatchObject({ code: 4401, reason: 'signed out' })
    await vi.waitFor(() => expect(kept.messages).toEqual(['open', 'ended: banned']))
    expect(kept.socket.readyState).toBe(WebSocket.OPEN)
  })

  it('and asks who is signed in is told when nobody is any more', async () => {
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
  it('is made once for a request, and says why', async () => {
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
    // The signal is not a part of what is sent.
    expect(Object.keys(answer.json())).toEqual(['user', 'session'])
    const [aborted, reason] = seen
    expect(aborted).toBe(true)
    expect(reason).toBeInstanceOf(SessionEndedError)
    expect(reason).toMatchObject({ reason: 'banned', code: 'LATCHKEY_SESSION_ENDED' })
  })

  it('thrown by a route that was aborted is answered with 401', async () => {
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

  it('has fired already where the session ended before it was asked for', async () => {
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

  it('is asked about again where the store could not say whether the session ended meanwhile', async () => {
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
