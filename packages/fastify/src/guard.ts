import type { FastifyReply, FastifyRequest } from 'fastify'
import { warnOfOtherOrigin } from './development.ts'
import { LatchkeyError, refuseCrossSite, sendError } from './errors.ts'
import type { Settings } from './options.ts'
import { isForeignAction } from './request-origin.ts'
import type { Auth, Sessions } from './session.ts'

/** What a guard asks beside that somebody is signed in. */
export interface GuardOptions {
  /**
   * How long ago the person may have proved who they are at the provider, in seconds, as in OpenID
   * Connect's `max_age`. Who has not since is answered 403 `reauth_required`. Such a guard asks the store
   * each time, and so knows of a revocation anywhere at once.
   */
  readonly maxAge?: number | undefined
  /**
   * Whether this person may. All but `true` is answered 403 `forbidden`; an error is the application's
   * own.
   */
  readonly check?: ((auth: Auth, request: FastifyRequest) => boolean | Promise<boolean>) | undefined
}

/**
 * A hook that lets signed-in people through and answers everybody else with 401. What changes something
 * must come from a page of `origin`: a browser's request from any other is answered with 403.
 *
 * It calls `done` where it knows the answer, and gives a promise where it has to ask.
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
  authOf(request: FastifyRequest): Auth
}

/** Marks the routes of Latchkey itself, in their `config`. */
export const OWN_ROUTE: unique symbol = Symbol('latchkey.ownRoute')

export function createGuards(sessions: Sessions, { clock, development, site }: Settings): Guards {
  /** Where a request remembers as whom it was let through: by a guard of this server, not another's. */
  const passed: unique symbol = Symbol('latchkey.passed')
  type Passing = FastifyRequest & { [passed]?: Auth }

  const isForeign = (request: FastifyRequest): boolean => isForeignAction(request.raw, site.origin)

  async function decide(
    request: Passing,
    reply: FastifyReply,
    { check, maxAge }: GuardOptions,
  ): Promise<FastifyReply | undefined> {
    // As a hook of the root, it meets our own routes too, and people have to get in somewhere.
    if (OWN_ROUTE in request.routeOptions.config) return undefined
    if (isForeign(request)) {
      if (development) warnOfOtherOrigin(request, site.origin)
      return refuseCrossSite(request, reply)
    }
    let auth: Auth | null
    try {
      auth = await (maxAge === undefined ? sessions.read(request) : sessions.readStored(request))
    } catch {
      // The store's failure is logged where it was asked. Not knowing is neither in nor out.
      return sendError(reply, 503, 'unavailable')
    }
    if (auth === null) return sendError(reply, 401, 'unauthenticated')
    if (maxAge !== undefined && !(clock() - auth.session.authenticatedAt <= maxAge * 1000)) {
      return sendError(reply, 403, 'reauth_required')
    }
    if (check !== undefined && (await check(auth, request)) !== true) {
      return sendError(reply, 403, 'forbidden')
    }
    request[passed] = auth
    return undefined
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

      return function latchkeyGuard(request: Passing, reply, done) {
        if (asksMore || isForeign(request)) return decide(request, reply, options)
        const auth = sessions.read(request)
        if (auth === null || auth instanceof Promise) return decide(request, reply, options)
        request[passed] = auth
        done?.()
        return undefined
      }
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

function checkGuardOptions(given: readonly unknown[]): GuardOptions {
  const [options = {}] = given
  const isPlain =
    typeof options === 'object' &&
    options !== null &&
    Object.getPrototypeOf(options) === Object.prototype
  // As a hook itself, it would be given a request, and its answer, no promise, waited for forever.
  if (given.length > 1 || !isPlain) {
    throw new LatchkeyError(
      'LATCHKEY_UNGUARDED',
      'app.latchkey.guard was given something, as if it were a hook. Call it: { onRequest: app.latchkey.guard() }.',
    )
  }
  const unknown = Object.keys(options).find((name) => name !== 'maxAge' && name !== 'check')
  if (unknown !== undefined) {
    throw invalid(`there is no option \`${unknown}\`. The options are maxAge, check`)
  }
  const { check, maxAge } = options as GuardOptions
  if (maxAge !== undefined && !(Number.isFinite(maxAge) && maxAge >= 0)) {
    throw invalid('`maxAge` must be a number of seconds, such as 300')
  }
  if (check !== undefined && typeof check !== 'function') {
    throw invalid('`check` must be a function that answers true or false')
  }
  return { check, maxAge }
}

function invalid(what: string): LatchkeyError {
  return new LatchkeyError('LATCHKEY_ARGUMENT_INVALID', `app.latchkey.guard(): ${what}.`)
}
