import type { ErrorCode, Provider, ProvidersBody, SessionBody } from '@latchkey/contract'

type Answer = () => Response | Promise<Response>

export interface FakeRequest {
  readonly method: string
  readonly url: string
  readonly init: RequestInit
}

/** A Latchkey server at the network's edge: `fetch` itself is replaced, none of our own modules. */
export interface FakeServer {
  /** What `GET /session` answers; `POST /sign-out` sets it to nobody. */
  session: SessionBody
  providers: ProvidersBody
  readonly requests: FakeRequest[]
  /** How often `GET /auth/session` or the like was asked for. */
  count(route: string): number
  /** Answers the next such request otherwise. */
  answerNext(route: string, answer: Answer): void
  close(): void
}

export const nobody: SessionBody = { user: null, session: null }

export function somebody(sessionId = 'session-1', name = 'Test Person'): SessionBody {
  return {
    user: {
      id: 'user-1',
      name,
      email: 'test.person@example.com',
      emailVerified: true,
      avatarUrl: null,
      createdAt: 0,
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

export function failure(status: number, code: ErrorCode): Answer {
  return () => Response.json({ error: { code, message: 'A sentence.' } }, { status })
}

export function unreachable(): never {
  throw new TypeError('fetch failed')
}

/** What a development server answers to a path that it does not know. */
export function indexHtml(): Response {
  return new Response('<!doctype html>', { headers: { 'content-type': 'text/html' } })
}

/** Stands in front of an answer until `open()`. */
export function gate(): { open: () => void; before: (answer: Answer) => Answer } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { open: resolve, before: (answer) => () => promise.then(answer) }
}

export function startFakeServer(): FakeServer {
  const network = globalThis.fetch
  const queues = new Map<string, Answer[]>()

  const server: FakeServer = {
    session: nobody,
    providers: { providers: [provider('bitbucket', 'Bitbucket')], lastUsed: null, account: [] },
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
    const route = `${method} ${input}`
    server.requests.push({ method, url: String(input), init })
    const queued = queues.get(route)?.shift()
    if (queued) return queued()
    if (/^GET \/\w+\/session$/.test(route)) return Response.json(server.session)
    if (/^GET \/\w+\/providers$/.test(route)) return Response.json(server.providers)
    if (/^POST \/\w+\/sign-out$/.test(route)) {
      server.session = nobody
      return new Response(null, { status: 204 })
    }
    return indexHtml()
  }

  return server
}
