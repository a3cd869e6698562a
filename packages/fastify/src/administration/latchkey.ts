// What an application can do with its users and their sessions. This room promises: an end that it has
// acknowledged lasts, whatever happens to the server, and a wrong argument is an error that names it.

import type { FastifyInstance } from 'fastify'
import type { GuardHook, Guards } from '../guard/guard.ts'
import type { GuardOptions } from '../guard/guard-options.ts'
import type { Sessions } from '../sessions/session.ts'
import type { LatchkeyEventSource, Settings } from '../settings.ts'
import { administerSessions, type SessionAdministration } from './session-administration.ts'
import { administerUsers, type UserAdministration } from './user-administration.ts'

/**
 * `app.latchkey`: the application's own interface. When a promise that ends a session resolves, this server
 * already rejects the session, and a crash does not bring it back. Other servers reject it within
 * milliseconds, or at most after the store's `maxStaleness` (see `postgres()`). While the store does not
 * answer, every method rejects with an error whose `statusCode` is 503. An invalid id, cursor or limit
 * rejects with a LatchkeyError `LATCHKEY_ARGUMENT_INVALID`, whose `statusCode` is 400.
 */
export interface Latchkey {
  /**
   * A hook that lets signed-in people through, and makes `request.auth` readable. Everybody else is
   * answered 401 `unauthenticated`; 403 `reauth_required` or `forbidden`, if they do not meet the options;
   * 403 `cross_site`, if a page of another site wants to change something; or 503 `unavailable` while the
   * store does not answer.
   * @throws LatchkeyError `LATCHKEY_ARGUMENT_INVALID` for unknown or invalid options
   */
  guard(options?: GuardOptions): GuardHook
  readonly sessions: SessionAdministration
  readonly users: UserAdministration
  /**
   * Calls `listener` after each such event. A listener that fails is logged and changes nothing.
   * @returns a function that ends it
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
