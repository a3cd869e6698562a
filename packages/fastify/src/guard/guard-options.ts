import type { FastifyRequest } from 'fastify'
import { looksLikeMilliseconds } from '../http/durations.ts'
import { LatchkeyError } from '../http/errors.ts'
import { suggestion } from '../http/option-names.ts'
import { notCalled } from './guard-places.ts'
import type { RequestAuth } from './request-auth.ts'

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

const OPTION_NAMES = [
  'maxAge',
  'check',
  'throws',
  'keepUpgradedConnectionsAfterSessionEnds',
] as const satisfies (keyof GuardOptions)[]

/**
 * Checks what `guard()` was given.
 * @throws LatchkeyError `LATCHKEY_ARGUMENT_INVALID`, `LATCHKEY_UNGUARDED`
 */
export function checkGuardOptions(given: readonly unknown[]): GuardOptions {
  const [options = {}] = given
  const isPlain =
    typeof options === 'object' &&
    options !== null &&
    Object.getPrototypeOf(options) === Object.prototype
  // As a hook itself, it would get a request, and its result, which is no promise, would be awaited forever.
  if (given.length > 1 || !isPlain) {
    throw notCalled()
  }
  const unknown = Object.keys(options).find((name) => !OPTION_NAMES.some((known) => known === name))
  if (unknown !== undefined) {
    throw invalid(`there is no option \`${unknown}\`. ${suggestion(unknown, OPTION_NAMES)}`)
  }
  const { check, maxAge, throws, keepUpgradedConnectionsAfterSessionEnds } = options as GuardOptions
  if (maxAge !== undefined && !(Number.isFinite(maxAge) && maxAge >= 0)) {
    throw invalid('`maxAge` must be a number of seconds, such as 300.')
  }
  if (maxAge !== undefined && looksLikeMilliseconds(maxAge)) {
    throw invalid('`maxAge` is in seconds, and this looks like milliseconds. Divide it by 1000.')
  }
  if (check !== undefined && typeof check !== 'function') {
    throw invalid('`check` must be a function that returns true or false.')
  }
  for (const [name, value] of Object.entries({ throws, keepUpgradedConnectionsAfterSessionEnds })) {
    if (value !== undefined && typeof value !== 'boolean') {
      throw invalid(`\`${name}\` must be true or false.`)
    }
  }
  return { check, maxAge, throws, keepUpgradedConnectionsAfterSessionEnds }
}

function invalid(what: string): LatchkeyError {
  return new LatchkeyError('LATCHKEY_ARGUMENT_INVALID', `app.latchkey.guard(): ${what}`)
}
