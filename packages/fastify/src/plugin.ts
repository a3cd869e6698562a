import cookie from '@fastify/cookie'
import { type ErrorCode, type ProvidersBody, routes as routePaths } from '@latchkey/contract'
import type {
  FastifyInstance,
  FastifyPluginAsync,
  FastifyReply,
  FastifyRequest,
  RegisterOptions,
} from 'fastify'
import fp from 'fastify-plugin'
import { createLatchkey, type Latchkey } from './administration/latchkey.ts'
import { prepareToListen } from './development.ts'
import { createGuards, OWN_ROUTE, refuseMisplacedGuards } from './guard/guard.ts'
import type { RequestAuth } from './guard/request-auth.ts'
import { readCookie } from './http/cookies.ts'
import { LatchkeyError, SAFE_HEADERS, sendError, sendJson } from './http/errors.ts'
import { readBody } from './http/request-body.ts'
import { withQuery, withReturnTo } from './http/return-to.ts'
import { type LatchkeyOptions, parseOptions } from './options.ts'
import { connectProvider } from './providers/provider-client.ts'
import { createEvents } from './record/events.ts'
import type { Auth } from './sessions/auth.ts'
import { createSessions, type Sessions } from './sessions/session.ts'
import { sessionRoutes } from './sessions/session-routes.ts'
import { eventNames, type LatchkeyEventSource, type Settings } from './settings.ts'
import { createFlows } from './sign-in/flow.ts'
import { POPUP_PAGE_CSP, popupPage } from './sign-in/popup-page.ts'
import { knownCode, SIGN_IN_PAGE_CSP, signInPage } from './sign-in/sign-in-page.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly latchkey: Latchkey
  }
  interface FastifyRequest {
    /**
     * Who is signed in, on a route with `app.latchkey.guard()`, and a `signal` for the end of their
     * session.
     * @throws LatchkeyError `LATCHKEY_UNGUARDED` on any other
     */
    readonly auth: RequestAuth
    /**
     * Returns who is signed in, or `null`, on any route. It returns `null` for a request that may change
     * something, or opens a WebSocket, and that a browser sends from a page of another origin. Called
     * again later, as in the handler of a WebSocket, it returns `null` once the session has ended.
     * @throws an error whose `statusCode` is 503 and whose `code` is `LATCHKEY_UNAVAILABLE`, as a
     *   rejection, while the store does not answer
     */
    getAuth(): Promise<Auth | null>
  }
}

const registered = new WeakSet<object>()

async function latchkey(app: FastifyInstance, options: LatchkeyOptions): Promise<void> {
  if (registered.has(app.server)) {
    throw new LatchkeyError(
      'LATCHKEY_REGISTERED_TWICE',
      'Latchkey is registered twice on this server. Register it once, in the outermost context that needs it; several providers go into its `providers`.',
    )
  }
  registered.add(app.server)

  const settings = await parseOptions(options, app.prefix)
  const { store } = settings
  const events: LatchkeyEventSource = createEvents(app.log, eventNames)
  const sessions = createSessions(settings, events, app.log)
  let isOpen = false
  app.addHook('onClose', async () => {
    await sessions.close()
    // What this application has not opened may be another's.
    if (isOpen) await store.close()
    await settings.close()
  })
  await store.open()
  isOpen = true

  keepPacketsOutOfTheLog(app)
  const guards = createGuards(sessions, settings)
  refuseMisplacedGuards(app)

  app.decorateRequest(sessions.asked, undefined)
  app.decorateRequest(guards.passed, undefined)
  app.decorateRequest('auth', {
    getter() {
      return guards.authOf(this)
    },
  })
  app.decorateRequest('getAuth', function getAuth(this: FastifyRequest) {
    return guards.getAuth(this)
  })
  app.decorate('latchkey', createLatchkey(app, settings, { events, guards, sessions }))

  if (settings.development) prepareToListen(app, settings)
  const { logLevel } = options as RegisterOptions
  await app.register(routes, {
    prefix: settings.prefix,
    ...(logLevel === undefined ? {} : { logLevel }),
    settings,
    sessions,
    events,
  })
}

interface RoutesOptions {
  readonly settings: Settings
  readonly sessions: Sessions
  readonly events: LatchkeyEventSource
}

/** The routes, in the order a sign-in happens. */
async function routes(app: FastifyInstance, options: RoutesOptions): Promise<void> {
  const { settings, sessions, events } = options
  const { basePath, providers, site } = settings
  const flows = createFlows(settings, sessions, events)
  // In this context, not the application's, which may register it too, before us or after us.
  if (!app.hasDecorator('serializeCookie')) await app.register(cookie)

  keepQueriesOutOfTheLog(app)
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, [OWN_ROUTE]: true }
  })
  app.addHook('onRequest', async function latchkeyHeaders(_request, reply) {
    reply.headers(SAFE_HEADERS)
  })
  app.setErrorHandler(async (error, request, reply) => answerError(error, request, reply))
  readBody(app)

  const lastUsed = (request: FastifyRequest): string | null => {
    const id = readCookie(request.raw.headers.cookie, site.cookies.last)
    return providers.some((provider) => provider.id === id) ? id : null
  }

  if (settings.hostsSignInPage) {
    app.get(routePaths.signIn, { exposeHeadRoute: false }, async (request, reply) => {
      const { auth_error: authError, return_to } = request.query as Record<string, unknown>
      // Without the store there may still be a provider; the page says no more than it knows.
      const auth = await sessions.readOrNull(request)
      reply.type('text/html; charset=utf-8').header('content-security-policy', SIGN_IN_PAGE_CSP)
      return signInPage({
        basePath,
        providers,
        lastUsed: lastUsed(request),
        returnTo: flows.returnTo(return_to),
        authError,
        user: auth?.user ?? null,
      })
    })
  }

  if (!settings.hostsSignInPage) {
    // Where pages lead that know of no other, such as a component's link without JavaScript.
    app.get(routePaths.signIn, { exposeHeadRoute: false }, async (request, reply) => {
      const { auth_error: authError, return_to } = request.query as Record<string, unknown>
      const code = knownCode(authError)
      const there = withReturnTo(settings.signInPath, flows.returnTo(return_to))
      return reply.redirect(code === null ? there : withQuery(there, { auth_error: code }), 303)
    })
  }

  app.get(routePaths.popup, { exposeHeadRoute: false }, async (request, reply) => {
    const { auth_error: authError, popup, return_to } = request.query as Record<string, unknown>
    const returnTo = flows.returnTo(return_to)
    reply.type('text/html; charset=utf-8').header('content-security-policy', POPUP_PAGE_CSP)
    return popupPage({
      popup: flows.popupId(popup),
      authError: knownCode(authError),
      providers,
      returnTo,
      signInUrl: withReturnTo(settings.signInPath, returnTo),
    })
  })

  app.get(routePaths.providers, { exposeHeadRoute: false }, async (request, reply) => {
    return sendJson(reply, {
      providers: providers.map(({ id, name, mark }) => {
        return { id, name, mark, signIn: true, signUp: true, link: false }
      }),
      lastUsed: lastUsed(request),
      account: ['sessions'],
    } satisfies ProvidersBody)
  })

  for (const provider of providers) {
    await app.register(async (context) => {
      const client = await connectProvider(context, provider, settings.providerConcurrency)
      context.get(
        routePaths.start(provider.id),
        { exposeHeadRoute: false },
        async (request, reply) => flows.start(request, reply, client),
      )
      context.get(
        routePaths.callback(provider.id),
        { exposeHeadRoute: false },
        async (request, reply) => flows.finish(request, reply, client),
      )
    })
  }

  await app.register(sessionRoutes, { settings, sessions, events, returnTo: flows.returnTo })

  // Before a wildcard of the application's, which might answer with a page or the query of a callback.
  app.all('/*', async (_request, reply) => sendError(reply, 404, 'not_found'))
  // And for the methods that Fastify has no routes for.
  app.setNotFoundHandler(async (_request, reply) => sendError(reply, 404, 'not_found'))
}

/** A callback's query holds its code and state, and a log is no place for them. */
function keepQueriesOutOfTheLog(app: FastifyInstance): void {
  const req = (request: FastifyRequest): Record<string, unknown> => ({
    method: request.method,
    url: request.url.split('?', 1)[0],
    host: request.host,
    remoteAddress: request.ip,
    remotePort: request.socket.remotePort,
  })
  const outer = app.childLoggerFactory
  app.setChildLoggerFactory(function latchkeyLogger(logger, bindings, options, rawRequest) {
    const serializers = { ...options.serializers, req }
    return outer.call(this, logger, bindings, { ...options, serializers }, rawRequest)
  })
}

/**
 * Of a request that is no HTTP, or whose headers are too long, Fastify logs the error at level trace, and
 * Node puts all that was received on it, cookies and a callback's query too.
 */
function keepPacketsOutOfTheLog(app: FastifyInstance): void {
  app.server.prependListener('clientError', (error) => {
    Object.defineProperty(error, 'rawPacket', { enumerable: false })
  })
}

const CODES: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  429: 'too_many_requests',
  503: 'unavailable',
}

/** Ours, and those of the application's own hooks, such as a rate limit: the status stays. */
function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { statusCode: status = 500 } = error as { statusCode?: number }
  const code = CODES[status] ?? (status >= 400 && status < 500 ? 'invalid_request' : undefined)
  if (code !== undefined) return sendError(reply, status, code)
  request.log.error({ err: error }, 'a request to Latchkey failed unexpectedly')
  return sendError(reply, 500, 'server_error')
}

/** See `LatchkeyOptions`. Adds `app.latchkey`, `request.auth` and `request.getAuth()`. */
const plugin: FastifyPluginAsync<LatchkeyOptions> = fp(latchkey, {
  name: '@latchkey/fastify',
  fastify: '>=5.8.3 <6',
})
export default plugin
