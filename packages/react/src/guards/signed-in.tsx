'use client'

import type { User } from '@latchkey/contract'
import { type ReactNode, useContext, useEffect } from 'react'
import { AuthNotice, StandIn, useIsFailing } from '../looks/notices.tsx'
import type { AuthError } from '../requests/auth-error.ts'
import { AuthContext, useAuth, usePaths } from '../session/auth-context.ts'
import { useRegistration } from '../session/use-notice.ts'

export interface SignedInProps {
  /** Rendered for a signed-in person; a function is given who it is. */
  readonly children?: ReactNode | ((user: User) => ReactNode)
}

/**
 * Renders its children if somebody is signed in. While that is not known, one of these components says so:
 * see `<AuthLoading>` and `<AuthFailed>`. Its notice is a `<span>`, which HTML does not allow directly in a `<tr>`
 * or a `<ul>`. It decides what is shown, not what is allowed: guard the data on
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
  /** Shown while the session loads. Without children, the placeholder is hidden. */
  readonly children?: ReactNode
}

/** Renders its children while the session loads, instead of a placeholder. Use it once per `<AuthProvider>`. */
export function AuthLoading({ children }: AuthLoadingProps): ReactNode {
  useRegistration('loading', 'app')
  return useAuth().status === 'loading' ? children : null
}

/** Why the server did not say who is signed in. */
export interface AuthFailure {
  /** The error. Switch on `error.code`. */
  readonly error: AuthError
  /** Requests the session again. */
  readonly retry: () => void
}

export interface AuthFailedProps {
  /** Replaces the default message and retry button. A function receives the error and `retry`. */
  readonly children?: ReactNode | ((failure: AuthFailure) => ReactNode)
}

/**
 * Rendered when the server did not say who is signed in. Without it, the first stand-in shows the error. Use it
 * once per `<AuthProvider>`.
 *
 * @example
 * <AuthFailed>{({ retry }) => <button onClick={retry}>Try again</button>}</AuthFailed>
 */
export function AuthFailed({ children }: AuthFailedProps): ReactNode {
  const auth = useAuth()
  useRegistration('error', 'app')
  // The default stays during a retry, because its element has the focus.
  const isKept = useIsFailing(auth.status) && children === undefined
  const isWaitShown = useRegistration('loading', isKept ? 'part' : null)
  if (auth.status === 'loading' && isKept) return <AuthNotice auth={auth} isShown={isWaitShown} />
  if (auth.status !== 'error') return null
  if (children === undefined) return <AuthNotice auth={auth} />
  return typeof children === 'function' ? children(auth) : children
}
