// The application's access to users and sessions. This room promises that a revocation survives a crash once
// it is acknowledged, and that an invalid argument causes an error that names it.

import type { FastifyInstance } from 'fastify'
import type { GuardHook, Guards } from '../guard/guard.ts'
import type { GuardOptions } from '../guard/guard-options.ts'
import type { Sessions } from '../sessions/session.ts'
import type { LatchkeyEventSource, Settings } from '../settings.ts'
import { administerSessions, type SessionAdministration } from './session-administration.ts'
import { administerUsers, type UserAdministration } from './user-administration.ts'

/**
 * The type of `app.latchkey`: guards, sessions, users and events.
 *
 * Once the promise returned by a revocation resolves, this server rejects the session, and a crash does not
 * bring the session back. Other servers reject it within milliseconds, and no later than the store's
 * `maxStaleness` (see `postgres()`). If the store does not respond, every method of `sessions` and `users`
 * rejects with an error whose `statusCode` is 503. If an id, cursor or limit is invalid, they reject with a
 * LatchkeyError `LATCHKEY_ARGUMENT_INVALID`, whose `statusCode` is 400.
 */
export interface Latchkey {
  /**
   * Returns a hook that lets signed-in users through and sets `request.auth`. Use it as `onRequest`,
   * `preValidation` or `preHandler`. Any other request gets an error response:
   *
   * - 401 `unauthenticated` if it is signed out
   * - 403 `reauth_required` or `forbidden` if it does not meet the options
   * - 403 `cross_site` if it may change something and comes from a page on another origin
   * - 503 `unavailable`, with `Retry-After`, if the store does not respond
   *
   * @throws LatchkeyError `LATCHKEY_ARGUMENT_INVALID` for unknown or invalid options
   *
   * @example
   * app.get('/api/me', { onRequest: app.latchkey.guard() }, async ({ auth }) => auth.user)
   *
   * // A recent sign-in (maxAge is in seconds), and a condition of your own.
   * const strict = app.latchkey.guard({ maxAge: 5 * 60, check: ({ user }) => user.emailVerified })
   * app.delete('/api/account', { onRequest: strict }, async () => {})
   */
  guard(options?: GuardOptions): GuardHook
  /** Creates, lists and revokes sessions. */
  readonly sessions: SessionAdministration
  /** Creates, lists, bans, unbans and deletes users. */
  readonly users: UserAdministration
  /**
   * Calls `listener` after each event of a type. Listeners are not awaited. If a listener throws or rejects,
   * the error is logged and has no other effect.
   *
   * @returns an unsubscribe function
   * @throws LatchkeyError `LATCHKEY_ARGUMENT_INVALID` for an unknown event, or a listener that is not a function
   *
   * @example
   * const unsubscribe = app.latchkey.on('sign-in', ({ user, newUser }) => {
   *   if (newUser) console.log(`Welcome, ${user.name}`)
   * })
   */
  readonly on: LatchkeyEventSource['on']
}

export function createLatchkey(
  { log }: FastifyInstance,
  settings: Settings,
  { events, guards, sessions }: { events: LatchkeyEventSource; guards: Guards; sessions: Sessions },
): Latchkey {
  return {
    guard: guards.guard,
    on: events.on,
    sessions: administerSessions(settings, sessions, log),
    users: administerUsers(settings, log),
  }
}
