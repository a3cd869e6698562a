import type { FastifyRequest } from 'fastify'
import { isRole } from '../accounts/roles.ts'
import { looksLikeMilliseconds } from '../http/durations.ts'
import { LatchkeyError } from '../http/errors.ts'
import { suggestion } from '../http/option-names.ts'
import { notCalled } from './guard-places.ts'
import type { RequestAuth } from './request-auth.ts'

/**
 * The options of `app.latchkey.guard()`: conditions beyond a signed-in user, and what happens to other
 * requests.
 *
 * @example
 * const strict = app.latchkey.guard({ maxAge: 5 * 60, check: ({ user }) => user.emailVerified })
 * app.get('/api/invoices', { onRequest: strict }, async () => [])
 */
export interface GuardOptions {
  /**
   * The maximum age of the last sign-in with the provider, in seconds, like OpenID Connect's `max_age`. An
   * older sign-in gets 403 `reauth_required`. A guard with `maxAge` reads the session from the store on
   * every request, so a revocation on any server takes effect immediately.
   */
  readonly maxAge?: number | undefined
  /**
   * The role that the user must have. With an array, any one of the roles is enough. Other users get 403
   * `forbidden`. A change of roles takes effect on every server within milliseconds.
   */
  readonly role?: string | readonly string[] | undefined
  /**
   * Returns whether the user may pass. Any result but `true` gets 403 `forbidden`. An error that it throws
   * goes to Fastify, like any other error of the application.
   */
  readonly check?:
    | ((auth: RequestAuth, request: FastifyRequest) => boolean | Promise<boolean>)
    | undefined
  /**
   * Throws a `GuardError` instead of sending a response. Use it where another check may still let the
   * request through, such as `app.auth([guard, apiKey])` of @fastify/auth. Default `false`.
   */
  readonly throws?: boolean | undefined
  /**
   * Keeps a WebSocket or another upgraded connection open after its session has ended. Default `false`: the
   * connection is closed.
   */
  readonly keepUpgradedConnectionsAfterSessionEnds?: boolean | undefined
}

const OPTION_NAMES = [
  'maxAge',
  'role',
  'check',
  'throws',
  'keepUpgradedConnectionsAfterSessionEnds',
] as const satisfies (keyof GuardOptions)[]

/**
 * Validates the arguments of `guard()`.
 * @throws LatchkeyError `LATCHKEY_ARGUMENT_INVALID`, `LATCHKEY_UNGUARDED`
 */
export function checkGuardOptions(given: readonly unknown[]): GuardOptions {
  const [options = {}] = given
  const isPlain =
    typeof options === 'object' &&
    options !== null &&
    Object.getPrototypeOf(options) === Object.prototype
  // `guard` itself was used as a hook. Fastify would pass a request and wait forever, because no promise is returned.
  if (given.length > 1 || !isPlain) {
    throw notCalled()
  }
  const unknown = Object.keys(options).find((name) => !OPTION_NAMES.some((known) => known === name))
  if (unknown !== undefined) {
    throw invalid(`there is no option \`${unknown}\`. ${suggestion(unknown, OPTION_NAMES)}`)
  }
  const { check, maxAge, role, throws, keepUpgradedConnectionsAfterSessionEnds } =
    options as GuardOptions
  if (maxAge !== undefined && !(Number.isFinite(maxAge) && maxAge >= 0)) {
    throw invalid('`maxAge` must be a number of seconds, such as 300.')
  }
  if (maxAge !== undefined && looksLikeMilliseconds(maxAge)) {
    throw invalid(
      '`maxAge` must be in seconds, but this looks like milliseconds. Divide it by 1000.',
    )
  }
  if (role !== undefined && !([role].flat().length > 0 && [role].flat().every(isRole))) {
    throw invalid("`role` must be the name of a role, such as 'admin', or an array of names.")
  }
  if (check !== undefined && typeof check !== 'function') {
    throw invalid('`check` must be a function that returns `true` or `false`.')
  }
  for (const [name, value] of Object.entries({ throws, keepUpgradedConnectionsAfterSessionEnds })) {
    if (value !== undefined && typeof value !== 'boolean') {
      throw invalid(`\`${name}\` must be \`true\` or \`false\`.`)
    }
  }
  return { check, maxAge, role, throws, keepUpgradedConnectionsAfterSessionEnds }
}

function invalid(fault: string): LatchkeyError {
  return new LatchkeyError('LATCHKEY_ARGUMENT_INVALID', `app.latchkey.guard(): ${fault}`)
}
