import type { Session, SignOutScope, User } from '@latchkey/contract'
import type { AuthError } from '../requests/auth-error.ts'

/** Options of `signOut()`. */
export interface SignOutOptions {
  /** Sessions to end: `local` (this one), `others` (all except this one) or `global` (all). Default `local`. */
  readonly scope?: SignOutScope | undefined
}

/** The state of this browser's session. */
export type AuthState =
  | { readonly status: 'loading' }
  | { readonly status: 'signed-out' }
  | {
      readonly status: 'signed-in'
      /** The signed-in user. */
      readonly user: User
      /** The session, including its provider and its timestamps. */
      readonly session: Session
      /**
       * Signs the user out in every tab of this browser, or ends the sessions that `scope` selects.
       *
       * @throws AuthError if the server did not end the session. In that case, the user is still signed in.
       */
      readonly signOut: (options?: SignOutOptions) => Promise<void>
      /**
       * Requests the session again, for example after your own request got a 401. The promise never rejects. The
       * result is in the updated state.
       */
      readonly refresh: () => Promise<void>
    }
  | {
      readonly status: 'error'
      /** Why the session is unknown. Switch on its `code`. */
      readonly error: AuthError
      /** Requests the session again. */
      readonly retry: () => void
    }

/** Returns the session's id, `null` when signed out, or `undefined` while the session is unknown. */
export function sessionIdOf(state: AuthState): string | null | undefined {
  if (state.status === 'signed-in') return state.session.id
  return state.status === 'signed-out' ? null : undefined
}
