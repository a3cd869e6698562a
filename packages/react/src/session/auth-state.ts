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
      /** The session, with its provider and its times. */
      readonly session: Session
      /**
       * Signs out in every tab of this browser, or ends the sessions of `scope`.
       *
       * @throws AuthError if the server did not end the session. The user is still signed in.
       */
      readonly signOut: (options?: SignOutOptions) => Promise<void>
      /**
       * Requests the session again, for example after your own request got 401. Never rejects. The state has the
       * result.
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
