// Protects routes. This room promises that only requests with an open session pass a guard, that a store
// failure never makes a user look signed out, that pages on other origins cannot change anything, and that an
// upgraded connection that passed a guard is closed when its session ends.

import type { FastifyReply, FastifyRequest, RawServerBase, RouteGenericInterface } from 'fastify'
import type { ResponseCode } from '../http/codes.ts'
import { GuardError, LatchkeyError, logCrossSite, sendError } from '../http/errors.ts'
import { isForeignAction, isHandshake, warnOfOtherOrigin } from '../http/request-origin.ts'
import type { Auth, Opened } from '../sessions/auth.ts'
import type { Sessions } from '../sessions/session.ts'
import type { Settings } from '../settings.ts'
import { checkGuardOptions, type GuardOptions } from './guard-options.ts'
import { markAsGuard, markAsGuardMaker, misplaced } from './guard-places.ts'
import {
  type Connection,
  closeWithSession,
  type RequestAuth,
  requestAuth,
  type Visit,
} from './request-auth.ts'

/**
 * A hook that lets signed-in users through, and responds with 401 to signed-out requests and with 503 if the
 * store is unavailable. A request that may change something, or opens a WebSocket, must come from a page on
 * `origin`. If a browser sends it from another page, the response is 403.
 *
 * If the session is cached, the hook calls `done`. Otherwise, it returns a promise. It works with every
 * server type that Fastify supports: http, https and http2.
 *
 * @example
 * const guard: GuardHook = app.latchkey.guard()
 * app.get('/api/me', { onRequest: guard }, async ({ auth }) => auth.user)
 */
export type GuardHook = <Server extends RawServerBase>(
  request: FastifyRequest<RouteGenericInterface, Server>,
  reply: FastifyReply<RouteGenericInterface, Server>,
  done?: () => void,
) => Promise<unknown> | undefined

/** The guards of one server, and their result for each request. */
export interface Guards {
  /** The request property that contains the result of a guard. Must be declared, like `Sessions.asked`. */
  readonly passed: symbol
  /** @throws LatchkeyError `LATCHKEY_ARGUMENT_INVALID`, `LATCHKEY_UNGUARDED` */
  guard(options?: GuardOptions): GuardHook
  /** Returns who is signed in, or `null` if a page on another origin sent a request that may change something. */
  getAuth(request: FastifyRequest): Promise<Auth | null>
  /** @throws LatchkeyError `LATCHKEY_UNGUARDED` if the request did not pass a guard */
  authOf(request: FastifyRequest): RequestAuth
}

/** Marks Latchkey's own routes, in their `config`. */
export const OWN_ROUTE: unique symbol = Symbol('latchkey.ownRoute')

/** The dependencies of a server's guards. */
interface Doorway {
  readonly sessions: Sessions
  readonly settings: Settings
  /** The request property that contains the result of this server's guards. Another server's guards do not count. */
  readonly passed: typeof PASSED
}

/** The type of `Doorway.passed`. At run time, each server has its own symbol. */
declare const PASSED: unique symbol

type Passing = FastifyRequest & { [PASSED]?: RequestAuth }

export function createGuards(sessions: Sessions, settings: Settings): Guards {
  const doorway: Doorway = {
    sessions,
    settings,
    passed: Symbol('latchkey.passed') as typeof PASSED,
  }
  return {
    passed: doorway.passed,
    guard: markAsGuardMaker((...given: [options?: GuardOptions, ...unknown[]]) =>
      guardHook(doorway, checkGuardOptions(given)),
    ),
    getAuth: (request) => getAuth(doorway, request),
    authOf: (request) => authOf(doorway, request),
  }
}

function guardHook(doorway: Doorway, options: GuardOptions): GuardHook {
  const { sessions, settings } = doorway
  const { check, maxAge, role } = options
  const asksMore = [check, maxAge, role].some((condition) => condition !== undefined)

  function latchkeyGuard(
    request: FastifyRequest,
    reply: FastifyReply,
    done?: () => void,
  ): Promise<unknown> | undefined {
    if (reply.sent || (done !== undefined && typeof done !== 'function')) {
      return Promise.reject(misplaced('a later hook'))
    }
    if (asksMore || isForeignAction(request.raw, settings.site.origin)) {
      return decide(doorway, options, { request, reply })
    }
    const opened = sessions.open(request)
    if (opened === null || opened instanceof Promise) {
      return decide(doorway, options, { request, reply })
    }
    pass(doorway, options, opened, { request, reply, hold: sessions.hold })
    done?.()
    return undefined
  }
  markAsGuard(latchkeyGuard)
  // The hook only reads properties that are the same on http, https and http2 servers.
  return latchkeyGuard as GuardHook
}

/** Lets a request through, or sends the error. */
async function decide(
  doorway: Doorway,
  options: GuardOptions,
  visit: Visit,
): Promise<FastifyReply | undefined> {
  // A guard on the root instance also covers our own routes, which must stay open for signing in.
  if (OWN_ROUTE in visit.request.routeOptions.config) return undefined
  const refusal = await judge(doorway, options, visit)
  if (refusal === null) return undefined
  if (options.throws === true) throw new GuardError(refusal)
  return sendError(visit.reply, refusal)
}

/** Lets a request through, or returns the reason to reject it. */
async function judge(
  doorway: Doorway,
  options: GuardOptions,
  { request, reply }: Visit,
): Promise<ResponseCode | null> {
  const { sessions, settings } = doorway
  const { check, maxAge, role } = options
  if (isForeignAction(request.raw, settings.site.origin)) {
    if (settings.development) warnOfOtherOrigin(request, settings.site.origin)
    logCrossSite(request)
    return 'cross_site'
  }
  let opened: Opened | null
  try {
    opened = await (maxAge === undefined ? sessions.open(request) : sessions.openStored(request))
  } catch {
    // Already logged. When the session is unknown, the user is neither signed in nor signed out.
    return 'unavailable'
  }
  if (opened === null) return 'unauthenticated'
  const { authenticatedAt } = opened.auth.session
  if (maxAge !== undefined && !(settings.clock() - authenticatedAt <= maxAge * 1000)) {
    return 'reauth_required'
  }
  const { roles } = opened.auth.user
  if (role !== undefined && ![role].flat().some((one) => roles.includes(one))) return 'forbidden'
  const connection = { request, reply, hold: sessions.hold }
  if (check !== undefined && (await check(requestAuth(opened, connection), request)) !== true) {
    return 'forbidden'
  }
  pass(doorway, options, opened, connection)
  return null
}

function pass(
  doorway: Doorway,
  options: GuardOptions,
  opened: Opened,
  connection: Connection,
): void {
  const request: Passing = connection.request
  request[doorway.passed] = requestAuth(opened, connection)
  if (isHandshake(request.raw) && options.keepUpgradedConnectionsAfterSessionEnds !== true) {
    closeWithSession(opened, connection)
  }
}

async function getAuth(
  { sessions, settings: { development, site } }: Doorway,
  request: FastifyRequest,
): Promise<Auth | null> {
  if (!isForeignAction(request.raw, site.origin)) return sessions.read(request)
  if (development) warnOfOtherOrigin(request, site.origin)
  return null
}

function authOf(doorway: Doorway, request: Passing): RequestAuth {
  const auth = request[doorway.passed]
  if (auth !== undefined) return auth
  const { decorators } = doorway.settings
  throw new LatchkeyError(
    'LATCHKEY_UNGUARDED',
    `request.${decorators.auth} was read on ${request.method} ${request.routeOptions.url ?? 'a route'}, which has no guard. Add { onRequest: app.latchkey.guard() } to the route. On a public route, use await request.${decorators.getAuth}() instead.`,
  )
}
