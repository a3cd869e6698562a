import cookie from '@fastify/cookie'
import type { FastifyInstance, FastifyPluginAsync, RegisterOptions } from 'fastify'
import fp from 'fastify-plugin'
import { accountRoutes } from './accounts/account-routes.ts'
import { createLatchkey, type Latchkey } from './administration/latchkey.ts'
import { prepareToListen } from './development.ts'
import { decorateRequest, type RequestDecorators, refuseTakenNames } from './guard/decorators.ts'
import { createGuards, OWN_ROUTE } from './guard/guard.ts'
import { refuseMisplacedGuards, refuseUncalledGuards } from './guard/guard-places.ts'
import { answerSafely, answerUnknownPaths } from './http/answers.ts'
import { LatchkeyError } from './http/errors.ts'
import { keepPacketsOutOfTheLog, keepQueriesOutOfTheLog } from './http/log.ts'
import { readBody } from './http/request-body.ts'
import { type LatchkeyOptions, parseOptions } from './options.ts'
import { warnOfUnusedProxy } from './providers/client/proxy.ts'
import { createEvents } from './record/events.ts'
import { createSessions, type Sessions } from './sessions/session.ts'
import { sessionRoutes } from './sessions/session-routes.ts'
import { eventNames, type LatchkeyEventSource, type Settings } from './settings.ts'
import { createFlowTargets } from './sign-in/flow-targets.ts'
import { createRefusals } from './sign-in/refusals.ts'
import { signInRoutes } from './sign-in/sign-in-routes.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly latchkey: Latchkey
  }
  interface FastifyRequest extends RequestDecorators {}
}

const registered = new WeakSet<object>()

async function latchkey(app: FastifyInstance, options: LatchkeyOptions): Promise<void> {
  if (registered.has(app.server)) {
    throw new LatchkeyError(
      'LATCHKEY_REGISTERED_TWICE',
      'Latchkey is registered twice on this server. Register it once, in the outermost context that needs it. To offer several providers, pass all of them in `providers`.',
    )
  }
  registered.add(app.server)

  const settings = await parseOptions(options, app)
  const { store } = settings
  const events: LatchkeyEventSource = createEvents(app.log, eventNames)
  const sessions = createSessions(settings, events, app.log)
  let isOpen = false
  app.addHook('onClose', async () => {
    await sessions.close()
    // Close only a store that this app opened. Another app may share it.
    if (isOpen) await store.close()
    await settings.close()
  })
  refuseTakenNames(app, settings)
  warnOfUnusedProxy(app.log)
  await store.open()
  isOpen = true

  keepPacketsOutOfTheLog(app)
  const guards = createGuards(sessions, settings)
  refuseMisplacedGuards(app)
  refuseUncalledGuards(app)

  app.decorateRequest(sessions.asked, undefined)
  app.decorateRequest(guards.passed, undefined)
  decorateRequest(app, guards, settings)
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

/**
 * Hides a route from the application's OpenAPI document (the `hide` option of @fastify/swagger). Routes
 * without schemas would make the document invalid.
 */
const HIDDEN = { hide: true } as const

const OWN = { [OWN_ROUTE]: true } as const

/** Registers the routes, in the order of a sign-in. */
async function routes(
  app: FastifyInstance,
  { settings, sessions, events }: RoutesOptions,
): Promise<void> {
  // Register it only in this context, because the application may register @fastify/cookie too, before or
  // after Latchkey.
  if (!app.hasDecorator('serializeCookie')) await app.register(cookie)

  keepQueriesOutOfTheLog(app)
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, ...OWN }
    route.schema = { ...route.schema, ...HIDDEN }
  })
  answerSafely(app)
  readBody(app)

  const targets = createFlowTargets(settings)
  const refusals = createRefusals(settings)
  await app.register(signInRoutes, { settings, sessions, events, targets, refusals })
  await app.register(sessionRoutes, { settings, sessions, events, returnTo: targets.returnTo })
  await app.register(accountRoutes, { settings, sessions })
  answerUnknownPaths(app)
}

/**
 * The Fastify plugin. Adds `app.latchkey`, `request.auth`, `request.getAuth()` and the sign-in routes under
 * `/auth`. In development, every option can be omitted. See `LatchkeyOptions`.
 *
 * @throws LatchkeyError if an option is missing or invalid, or the store cannot be opened
 *
 * @example
 * const app = Fastify({ logger: true })
 * await app.register(latchkey, {
 *   origin: 'https://app.example.com',
 *   secret: process.env.LATCHKEY_SECRET,
 *   providers: [
 *     bitbucket({
 *       clientId: process.env.BITBUCKET_CLIENT_ID,
 *       clientSecret: process.env.BITBUCKET_CLIENT_SECRET,
 *     }),
 *   ],
 *   store: sqlite('./data/latchkey.db'),
 * })
 */
const plugin: FastifyPluginAsync<LatchkeyOptions> = fp(latchkey, {
  name: '@latchkey/fastify',
  fastify: '>=5.8.3 <6',
})
export default plugin
