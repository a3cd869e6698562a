'use client'

import type { User } from '@latchkey/contract'
import { type ReactNode, useContext, useEffect } from 'react'
import { AuthNotice, Notice, StandIn } from '../looks/notices.tsx'
import type { AuthError } from '../requests/auth-error.ts'
import { AuthContext, useAuth, usePaths } from '../session/auth-context.ts'
import type { AuthState } from '../session/auth-state.ts'

export interface SignedInProps {
  /** Rendered for a signed-in person; a function is given who it is. */
  readonly children?: ReactNode | ((user: User) => ReactNode)
}

/**
 * Renders its children if somebody is signed in. While that is not known, one of these components says so:
 * see `<AuthLoading>` and `<AuthFailed>`. It decides what is shown, not what is allowed: guard the data on
 * the server.
 */
export function SignedIn({ children }: SignedInProps): ReactNode {
  const auth = useAuth()
  if (auth.status !== 'signed-in') return <StandIn />
  return typeof children === 'function' ? children(auth.user) : children
}

export interface SignedOutProps {
  /** Rendered if nobody is signed in. */
  readonly children?: ReactNode
}

/**
 * Renders its children if nobody is signed in. While that is not known, one of these components says so: see
 * `<AuthLoading>` and `<AuthFailed>`.
 */
export function SignedOut({ children }: SignedOutProps): ReactNode {
  const client = useContext(AuthContext)?.client
  const { status } = useAuth()
  const { providers } = usePaths()

  useEffect(() => {
    // A card within needs them, and is rendered only when the session is known.
    if (status === 'loading') client?.askEarly(providers)
  }, [client, status, providers])

  return status === 'signed-out' ? children : <StandIn />
}

export interface AuthLoadingProps {
  /** Rendered while it is not known. Without children, nothing is shown instead of a placeholder. */
  readonly children?: ReactNode
}

/** Renders its children while the server is asked who is signed in, instead of a placeholder. */
export function AuthLoading({ children }: AuthLoadingProps): ReactNode {
  return useAuth().status === 'loading' ? <Notice>{children}</Notice> : null
}

/** Why it is not known who is signed in. */
export interface AuthFailure {
  /** Switch on its `code`. */
  readonly error: AuthError
  /** Asks again. */
  readonly retry: () => void
}

export interface AuthFailedProps {
  /**
   * Rendered instead of a sentence and a button that asks again. A function is given the error, and `retry`.
   */
  readonly children?: ReactNode | ((failure: AuthFailure) => ReactNode)
}

/**
 * Renders while the server does not say who is signed in: by default a sentence, and a button that asks
 * again. Without it, the first of the page's components that would show nothing says so.
 *
 * @example
 * <AuthFailed>{({ retry }) => <button onClick={retry}>Try again</button>}</AuthFailed>
 */
export function AuthFailed({ children }: AuthFailedProps): ReactNode {
  const auth = useAuth()
  return auth.status === 'error' ? <Notice>{contentFor(auth, children)}</Notice> : null
}

function contentFor(
  auth: Extract<AuthState, { status: 'error' }>,
  children: AuthFailedProps['children'],
): ReactNode {
  if (children === undefined) return <AuthNotice auth={auth} />
  return typeof children === 'function' ? children(auth) : children
}
