// Who may pass. This room promises: nobody without an open session gets past a guard, nobody is turned away
// because the store could not be asked, no page of another origin changes anything, and what a guard let
// through ends with its session.

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
 * A hook that lets signed-in people through and answers everybody else with 401. What changes something,
 * and what opens a connection for more, must come from a page of `origin`: a browser's request from any
 * other gets 403.
 *
 * It calls `done` where it knows the answer, and returns a promise where it has to ask. It fits every server
 * that Fastify can use: http, https and http2.
 */
export type GuardHook = <Server extends RawServerBase>(
  request: FastifyRequest<RouteGenericInterface, Server>,
  reply: FastifyReply<RouteGenericInterface, Server>,
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

/** What the guards of one server work with. */
interface Doorway {
  readonly sessions: Sessions
  readonly settings: Settings
  /** Where a request remembers as whom it was let through: by a guard of this server, not another's. */
  readonly passed: typeof PASSED
}

/** The type of every server's symbol. Each has a symbol of its own. */
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
  const asksMore = options.maxAge !== undefined || options.check !== undefined

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
  // Everything that it reads of a request and a reply is the same on every server.
  return latchkeyGuard as GuardHook
}

/** Lets a request through, or answers it. */
async function decide(
  doorway: Doorway,
  options: GuardOptions,
  visit: Visit,
): Promise<FastifyReply | undefined> {
  // As a hook of the root, it meets our own routes too, and people have to get in somewhere.
  if (OWN_ROUTE in visit.request.routeOptions.config) return undefined
  const refusal = await judge(doorway, options, visit)
  if (refusal === null) return undefined
  if (options.throws === true) throw new GuardError(refusal)
  return sendError(visit.reply, refusal)
}

/** Lets a request through, or returns why not. */
async function judge(
  doorway: Doorway,
  options: GuardOptions,
  { request, reply }: Visit,
): Promise<ResponseCode | null> {
  const { sessions, settings } = doorway
  const { check, maxAge } = options
  if (isForeignAction(request.raw, settings.site.origin)) {
    if (settings.development) warnOfOtherOrigin(request, settings.site.origin)
    logCrossSite(request)
    return 'cross_site'
  }
  let opened: Opened | null
  try {
    opened = await (maxAge === undefined ? sessions.open(request) : sessions.openStored(request))
  } catch {
    // The store's failure is logged where it was asked. Not knowing is neither in nor out.
    return 'unavailable'
  }
  if (opened === null) return 'unauthenticated'
  const { authenticatedAt } = opened.auth.session
  if (maxAge !== undefined && !(settings.clock() - authenticatedAt <= maxAge * 1000)) {
    return 'reauth_required'
  }
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
    `request.${decorators.auth} was read on ${request.method} ${request.routeOptions.url ?? 'a route'}, which has no guard. Add { onRequest: app.latchkey.guard() } to the route, or use await request.${decorators.getAuth}() where signed-out people are welcome.`,
  )
}
