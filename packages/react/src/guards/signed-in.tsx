'use client'

import type { User } from '@latchkey/contract'
import { type ReactNode, useContext, useEffect } from 'react'
import { AuthNotice, StandIn, useIsFailing } from '../looks/notices.tsx'
import type { AuthError } from '../requests/auth-error.ts'
import { AuthContext, useAuth, usePaths } from '../session/auth-context.ts'
import { useRegistration } from '../session/use-notice.ts'

export interface SignedInProps {
  /** Rendered when the user is signed in. If it is a function, it receives the user. */
  readonly children?: ReactNode | ((user: User) => ReactNode)
}

/**
 * Renders its children when signed in. While the session is unknown, one component on the page shows a notice, a
 * `<span>`, which HTML does not allow directly inside `<tr>` or `<ul>`. See `<AuthLoading>` and `<AuthFailed>`.
 * It controls what is shown, not what is allowed: guard the data on the server.
 *
 * @example
 * <SignedIn>{(user) => <p>Hello, {user.name}.</p>}</SignedIn>
 */
export function SignedIn({ children }: SignedInProps): ReactNode {
  const auth = useAuth()
  if (auth.status !== 'signed-in') return <StandIn />
  return typeof children === 'function' ? children(auth.user) : children
}

export interface SignedOutProps {
  /** Rendered when the user is signed out. */
  readonly children?: ReactNode
}

/**
 * Renders its children when signed out. While the session is unknown, one component on the page shows a notice.
 * See `<AuthLoading>` and `<AuthFailed>`.
 *
 * @example
 * <SignedOut><SignIn /></SignedOut>
 */
export function SignedOut({ children }: SignedOutProps): ReactNode {
  const client = useContext(AuthContext)?.client
  const { status } = useAuth()
  const { providers } = usePaths()

  useEffect(() => {
    // A card inside needs the providers, but only renders when the session is known.
    if (status === 'loading') client?.askEarly(providers)
  }, [client, status, providers])

  return status === 'signed-out' ? children : <StandIn />
}

export interface AuthLoadingProps {
  /** Shown while the session loads. If there are no children, no placeholder is shown. */
  readonly children?: ReactNode
}

/**
 * Renders its children while the session loads, instead of a placeholder. Use it once per `<AuthProvider>`.
 *
 * @example
 * <AuthLoading><p>Loading…</p></AuthLoading>
 */
export function AuthLoading({ children }: AuthLoadingProps): ReactNode {
  useRegistration('loading', 'app')
  return useAuth().status === 'loading' ? children : null
}

/** A failed request for the session. */
export interface AuthFailure {
  /** The error. Switch on `error.code`. */
  readonly error: AuthError
  /** Requests the session again. */
  readonly retry: () => void
}

export interface AuthFailedProps {
  /** Replaces the default message and retry button. If it is a function, it receives the error and `retry`. */
  readonly children?: ReactNode | ((failure: AuthFailure) => ReactNode)
}

/**
 * Renders an error message and a retry button, or its children, when the session cannot be loaded. Without it,
 * one of the other components shows the error. Use it once per `<AuthProvider>`.
 *
 * @example
 * <AuthFailed>{({ retry }) => <button onClick={retry}>Try again</button>}</AuthFailed>
 */
export function AuthFailed({ children }: AuthFailedProps): ReactNode {
  const auth = useAuth()
  useRegistration('error', 'app')
  // Keep the default during a retry, because the focus is inside it.
  const isKept = useIsFailing(auth.status) && children === undefined
  const isWaitShown = useRegistration('loading', isKept ? 'part' : null)
  if (auth.status === 'loading' && isKept) return <AuthNotice auth={auth} isShown={isWaitShown} />
  if (auth.status !== 'error') return null
  if (children === undefined) return <AuthNotice auth={auth} />
  return typeof children === 'function' ? children(auth) : children
}
