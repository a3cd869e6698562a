import type {
  AccountPart,
  ErrorCode,
  IdentitiesBody,
  Identity,
  Provider,
  ProvidersBody,
  SessionBody,
  SessionsBody,
  SignOutBody,
  UserPatch,
} from '@latchkey/contract'

type Answer = () => Response | Promise<Response>

export interface FakeRequest {
  readonly method: string
  readonly url: string
  readonly init: RequestInit
}

/** A simulated Latchkey server. Replaces `fetch` itself, but none of our modules. */
export interface FakeServer {
  /** Response of `GET /session`. `POST /sign-out` sets it to `signedOut`. */
  session: SessionBody
  providers: ProvidersBody
  /** Response of `GET /sessions` when signed in. A sign-out and `DELETE` remove sessions. */
  sessions: SessionsBody['sessions']
  /** Response of `GET /identities` when signed in. `DELETE` removes identities. */
  identities: IdentitiesBody['identities']
  readonly requests: FakeRequest[]
  /** Returns the number of requests for a route, such as `GET /auth/session`. */
  count(route: string): number
  /** Replaces the response to the next request for a route. */
  answerNext(route: string, answer: Answer): void
  close(): void
}

export const signedOut: SessionBody = { user: null, session: null }

export function signedIn(sessionId = 'session-1', name = 'Test Person'): SessionBody {
  return {
    user: {
      id: 'user-1',
      name,
      email: 'test.person@example.com',
      emailVerified: true,
      avatarUrl: null,
      createdAt: 0,
      roles: [],
    },
    session: {
      id: sessionId,
      provider: 'bitbucket',
      createdAt: 0,
      authenticatedAt: 0,
      expiresAt: Date.now() + 3_600_000,
    },
  }
}

export function provider(id: string, name: string): Provider {
  const mark = { viewBox: '0 0 8 8', paths: [{ d: 'M0 0h8v8z' }] }
  return { id, name, mark, signIn: true, signUp: true, link: true }
}

export const everyPart: readonly AccountPart[] = [
  'profile',
  'identities',
  'sessions',
  'export',
  'delete',
]

/** Noon in local time, so that the date is the same in every time zone. */
function noon(year: number, month: number, day: number): number {
  return new Date(year, month, day, 12).getTime()
}

/** A session of `signedIn()`. */
export function device(
  id: string,
  device: string | null,
  current = false,
): SessionsBody['sessions'][number] {
  return {
    id,
    provider: 'bitbucket',
    device,
    current,
    createdAt: noon(2026, 0, 2),
    authenticatedAt: noon(2026, 0, 2),
    lastUsedAt: noon(2026, 2, 4),
    expiresAt: noon(2126, 0, 1),
  }
}

export function identity(id: string, provider: string, name: string | null = null): Identity {
  return { id, provider, name, email: null, createdAt: 0, lastUsedAt: 0 }
}

export function failure(status: number, code: ErrorCode): Answer {
  return () => refusal(status, code)
}

function refusal(status: number, code: ErrorCode): Response {
  return Response.json({ error: { code, message: 'A sentence.' } }, { status })
}

export function unreachable(): never {
  throw new TypeError('fetch failed')
}

/** Response of a development server to an unknown path. */
export function indexHtml(): Response {
  return new Response('<!doctype html>', { headers: { 'content-type': 'text/html' } })
}

/** Delays a response until `open()`. */
export function gate(): { open: () => void; before: (answer: Answer) => Answer } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { open: resolve, before: (answer) => () => promise.then(answer) }
}

export function startFakeServer(): FakeServer {
  const network = globalThis.fetch
  const queues = new Map<string, Answer[]>()

  const server: FakeServer = {
    session: signedOut,
    providers: { providers: [provider('bitbucket', 'Bitbucket')], lastUsed: null, account: [] },
    sessions: [],
    identities: [],
    requests: [],
    count: (route) =>
      server.requests.filter(({ method, url }) => `${method} ${url}` === route).length,
    answerNext(route, answer) {
      queues.set(route, [...(queues.get(route) ?? []), answer])
    },
    close() {
      globalThis.fetch = network
    },
  }

  globalThis.fetch = async (input, init = {}) => {
    const method = init.method ?? 'GET'
    const url = String(input)
    server.requests.push({ method, url, init })
    const queued = queues.get(`${method} ${url}`)?.shift()
    if (queued) return queued()
    const path = url.replace(/^\/\w+\//, '')
    const body = init.body ? JSON.parse(String(init.body)) : {}
    return answer(server, method, path, body)
  }

  return server
}

function answer(server: FakeServer, method: string, path: string, body: unknown): Response {
  switch (`${method} ${path}`) {
    case 'GET session':
      return Response.json(server.session)
    case 'GET providers':
      return Response.json(server.providers)
    case 'POST sign-out':
      return signOut(server, body as SignOutBody)
  }
  if (!/^(sessions|identities|user|\w+\/link)\b/.test(path)) return indexHtml()
  if (server.session.user === null) return refusal(401, 'unauthenticated')
  return answerToUser(server, method, path, body) ?? indexHtml()
}

function signOut(server: FakeServer, { scope = 'local' }: SignOutBody): Response {
  server.sessions = server.sessions.filter(({ current }) =>
    scope === 'global' ? false : current === (scope === 'others'),
  )
  if (scope !== 'others') server.session = signedOut
  return noContent()
}

function answerToUser(
  server: FakeServer,
  method: string,
  path: string,
  body: unknown,
): Response | null {
  const [route = '', id = ''] = path.split('/')
  switch (`${method} ${route}${id && '/…'}`) {
    case 'GET sessions':
      return Response.json({ sessions: server.sessions })
    case 'DELETE sessions/…':
      return endSession(server, id)
    case 'GET identities':
      return Response.json({ identities: server.identities })
    case 'DELETE identities/…':
      return removeIdentity(server, id)
    case 'PATCH user': {
      const { user, session } = server.session
      if (user === null) return null
      server.session = { user: { ...user, ...(body as UserPatch) }, session }
      return Response.json(server.session.user)
    }
    case 'DELETE user':
      server.session = signedOut
      return noContent()
  }
  if (method === 'POST' && id === 'link') {
    return Response.json({ url: `https://${route}.example/authorize` })
  }
  return null
}

function endSession(server: FakeServer, id: string): Response {
  const ended = server.sessions.find((session) => session.id === id)
  if (!ended) return refusal(404, 'not_found')
  server.sessions = server.sessions.filter((session) => session !== ended)
  if (ended.current) server.session = signedOut
  return noContent()
}

function removeIdentity(server: FakeServer, id: string): Response {
  const removed = server.identities.find((identity) => identity.id === id)
  if (!removed) return refusal(404, 'not_found')
  server.identities = server.identities.filter((identity) => identity !== removed)
  return noContent()
}

function noContent(): Response {
  return new Response(null, { status: 204 })
}
