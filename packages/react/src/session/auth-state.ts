import type { Session, SignOutScope, User } from '@latchkey/contract'
import type { AuthError } from '../requests/auth-error.ts'

export interface SignOutOptions {
  /** Which of the person's sessions to end: this one, all but this one, or all. Default `local`. */
  readonly scope?: SignOutScope | undefined
}

/** Who is using this browser, as far as it is known. */
export type AuthState =
  | { readonly status: 'loading' }
  | { readonly status: 'signed-out' }
  | {
      readonly status: 'signed-in'
      /** Who it is. */
      readonly user: User
      /** Since when, through which provider, and until when. */
      readonly session: Session
      /**
       * Ends this session, in every tab of this browser, or those that `scope` says.
       *
       * @throws AuthError if the server did not end it; the person is still signed in then.
       */
      readonly signOut: (options?: SignOutOptions) => Promise<void>
      /**
       * Asks the server again, for a page that has reason to doubt: its own request was answered with
       * 401, say. Never rejects; the state has the outcome.
       */
      readonly refresh: () => Promise<void>
    }
  | {
      readonly status: 'error'
      /** Why it is not known: switch on its `code`. */
      readonly error: AuthError
      /** Asks again. */
      readonly retry: () => void
    }

/** The session's id; `null` when signed out, `undefined` while it is unknown. */
export function sessionIdOf(state: AuthState): string | null | undefined {
  if (state.status === 'signed-in') return state.session.id
  return state.status === 'signed-out' ? null : undefined
}
