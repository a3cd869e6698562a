import type { ErrorCode } from '@latchkey/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { GuardError, LatchkeyError, logCrossSite, sendError } from '../http/errors.ts'
import { isForeignAction, isHandshake, warnOfOtherOrigin } from '../http/request-origin.ts'
import type { Auth, Opened } from '../sessions/auth.ts'
import type { Sessions } from '../sessions/session.ts'
import type { Settings } from '../settings.ts'
import { closeWithSession, type RequestAuth, requestAuth } from './request-auth.ts'

// Who may pass. This room promises: nobody without an open session gets past a guard, nobody is turned away
// because the store could not be asked, no page of another origin changes anything, and what a guard let
// through ends with its session.

/** What a guard demands beyond a signed-in user. */
export interface GuardOptions {
  /**
   * How long ago the person may have proved who they are at the provider, in seconds, as in OpenID
   * Connect's `max_age`. An older sign-in gets 403 `reauth_required`. Such a guard reads the session from
   * the store for every request, so it knows of a revocation on any server immediately.
   */
  readonly maxAge?: number | undefined
  /**
   * Whether this person may pass. Anything but `true` gets 403 `forbidden`; an error is the application's
   * own.
   */
  readonly check?:
    | ((auth: RequestAuth, request: FastifyRequest) => boolean | Promise<boolean>)
    | undefined
  /**
   * Makes the guard throw a `GuardError` instead of answering, for a composition that may let the request
   * through for another reason, such as `app.auth([guard, apiKey])` of @fastify/auth. Default `false`.
   */
  readonly throws?: boolean | undefined
  /**
   * Keeps a WebSocket or another upgraded connection open when its session ends. By default it is closed.
   * Default `false`.
   */
  readonly keepUpgradedConnectionsAfterSessionEnds?: boolean | undefined
}

/**
 * A hook that lets signed-in people through and answers everybody else with 401. What changes something,
 * and what opens a connection for more, must come from a page of `origin`: a browser's request from any
 * other gets 403.
 *
 * It calls `done` where it knows the answer, and returns a promise where it has to ask.
 */
export type GuardHook = (
  request: FastifyRequest,
  reply: FastifyReply,
  done?: () => void,
) => Promise<unknown> | undefined

/** Who is signed in, as the application may ask. */
export interface Guards {
  /** The property of a request that says who was let through. To be declared, as `Sessions.asked`. */
  readonly passed: symbol
  /** @throws LatchkeyError `LATCHKEY_ARGUMENT_INVALID`, `LATCHKEY_UNGUARDED` */
  guard(options?: GuardOptions): GuardHook
  /** Who is signed in; nobody to what a page of another origin wants to change. */
  getAuth(request: FastifyRequest): Promise<Auth | null>
  /** @throws LatchkeyError `LATCHKEY_UNGUARDED` if no guard has let this request through. */
  authOf(request: FastifyRequest): RequestAuth
}

/** Marks the routes of Latchkey itself, in their `config`. */
export const OWN_ROUTE: unique symbol = Symbol('latchkey.ownRoute')

/** Every guard that was made, so that one in a wrong place is recognised. */
const guardHooks = new WeakSet<object>()

type Refusal = readonly [status: number, code: ErrorCode]

export function createGuards(sessions: Sessions, { clock, development, site }: Settings): Guards {
  /** Where a request remembers as whom it was let through: by a guard of this server, not another's. */
  const passed: unique symbol = Symbol('latchkey.passed')
  type Passing = FastifyRequest & { [passed]?: RequestAuth }

  const isForeign = (request: FastifyRequest): boolean => isForeignAction(request.raw, site.origin)

  function pass(
    request: Passing,
    reply: FastifyReply,
    opened: Opened,
    options: GuardOptions,
  ): RequestAuth {
    const connection = { request, reply, hold: sessions.hold }
    const auth = requestAuth(opened, connection)
    request[passed] = auth
    if (isHandshake(request.raw) && options.keepUpgradedConnectionsAfterSessionEnds !== true) {
      closeWithSession(opened, connection)
    }
    return auth
  }

  async function decide(
    request: Passing,
    reply: FastifyReply,
    options: GuardOptions,
  ): Promise<FastifyReply | undefined> {
    // As a hook of the root, it meets our own routes too, and people have to get in somewhere.
    if (OWN_ROUTE in request.routeOptions.config) return undefined
    const refusal = await judge(request, reply, options)
    if (refusal === null) return undefined
    const [status, code] = refusal
    if (options.throws === true) throw new GuardError(status, code)
    return sendError(reply, status, code)
  }

  async function judge(
    request: Passing,
    reply: FastifyReply,
    options: GuardOptions,
  ): Promise<Refusal | null> {
    const { check, maxAge } = options
    if (isForeign(request)) {
      if (development) warnOfOtherOrigin(request, site.origin)
      logCrossSite(request)
      return [403, 'cross_site']
    }
    let opened: Opened | null
    try {
      opened = await (maxAge === undefined ? sessions.open(request) : sessions.openStored(request))
    } catch {
      // The store's failure is logged where it was asked. Not knowing is neither in nor out.
      return [503, 'unavailable']
    }
    if (opened === null) return [401, 'unauthenticated']
    const { session } = opened.auth
    if (maxAge !== undefined && !(clock() - session.authenticatedAt <= maxAge * 1000)) {
      return [403, 'reauth_required']
    }
    if (check === undefined) pass(request, reply, opened, options)
    else {
      const auth = requestAuth(opened, { request, reply, hold: sessions.hold })
      if ((await check(auth, request)) !== true) return [403, 'forbidden']
      pass(request, reply, opened, options)
    }
    return null
  }

  return {
    passed,

    async getAuth(request) {
      if (!isForeign(request)) return sessions.read(request)
      if (development) warnOfOtherOrigin(request, site.origin)
      return null
    },

    guard(...given: [options?: GuardOptions, ...unknown[]]) {
      const options = checkGuardOptions(given)
      const asksMore = options.maxAge !== undefined || options.check !== undefined

      function latchkeyGuard(
        request: Passing,
        reply: FastifyReply,
        done?: () => void,
      ): Promise<unknown> | undefined {
        if (reply.sent || (done !== undefined && typeof done !== 'function')) {
          return Promise.reject(misplaced('a later hook'))
        }
        if (asksMore || isForeign(request)) return decide(request, reply, options)
        const opened = sessions.open(request)
        if (opened === null || opened instanceof Promise) return decide(request, reply, options)
        pass(request, reply, opened, options)
        done?.()
        return undefined
      }
      guardHooks.add(latchkeyGuard)
      return latchkeyGuard
    },

    authOf(request: Passing) {
      const auth = request[passed]
      if (auth !== undefined) return auth
      throw new LatchkeyError(
        'LATCHKEY_UNGUARDED',
        `request.auth was read on ${request.method} ${request.routeOptions.url ?? 'a route'}, which has no guard. Add { onRequest: app.latchkey.guard() } to the route, or use await request.getAuth() where signed-out people are welcome.`,
      )
    },
  }
}

/** Where a guard can still answer in the place of the route, and the body has not been touched. */
const WRONG_PLACES = [
  'preParsing',
  'preSerialization',
  'onSend',
  'onResponse',
  'onError',
  'onTimeout',
  'onRequestAbort',
  'handler',
] as const satisfies (keyof RouteOptions)[]

/** Refuses a route that has a guard where it cannot work, when the route is added. */
export function refuseMisplacedGuards(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    for (const place of WRONG_PLACES) {
      const hooks: unknown[] = [route[place]].flat()
      const isGuard = (hook: unknown): boolean => typeof hook === 'function' && guardHooks.has(hook)
      if (hooks.some(isGuard)) throw misplaced(`\`${place}\` of ${route.method} ${route.url}`)
    }
  })
}

function misplaced(where: string): LatchkeyError {
  return new LatchkeyError(
    'LATCHKEY_GUARD_MISPLACED',
    `A guard was used as ${where}, where it cannot send a response. Use it as onRequest, preValidation or preHandler.`,
  )
}

const OPTION_NAMES = [
  'maxAge',
  'check',
  'throws',
  'keepUpgradedConnectionsAfterSessionEnds',
] as const satisfies (keyof GuardOptions)[]

function checkGuardOptions(given: readonly unknown[]): GuardOptions {
  const [options = {}] = given
  const isPlain =
    typeof options === 'object' &&
    options !== null &&
    Object.getPrototypeOf(options) === Object.prototype
  // As a hook itself, it would get a request, and its result, which is no promise, would be awaited forever.
  if (given.length > 1 || !isPlain) {
    throw new LatchkeyError(
      'LATCHKEY_UNGUARDED',
      'app.latchkey.guard was given something, as if it were a hook. Call it: { onRequest: app.latchkey.guard() }.',
    )
  }
  const unknown = Object.keys(options).find((name) => !OPTION_NAMES.some((known) => known === name))
  if (unknown !== undefined) {
    throw invalid(`there is no option \`${unknown}\`. The options are ${OPTION_NAMES.join(', ')}`)
  }
  const { check, maxAge, throws, keepUpgradedConnectionsAfterSessionEnds } = options as GuardOptions
  if (maxAge !== undefined && !(Number.isFinite(maxAge) && maxAge >= 0)) {
    throw invalid('`maxAge` must be a number of seconds, such as 300')
  }
  if (check !== undefined && typeof check !== 'function') {
    throw invalid('`check` must be a function that returns true or false')
  }
  for (const [name, value] of Object.entries({ throws, keepUpgradedConnectionsAfterSessionEnds })) {
    if (value !== undefined && typeof value !== 'boolean') {
      throw invalid(`\`${name}\` must be true or false`)
    }
  }
  return { check, maxAge, throws, keepUpgradedConnectionsAfterSessionEnds }
}

function invalid(what: string): LatchkeyError {
  return new LatchkeyError('LATCHKEY_ARGUMENT_INVALID', `app.latchkey.guard(): ${what}.`)
}
