'use client'

import type { User } from '@latchkey/contract'
import type { ReactNode } from 'react'
import { useAuth } from '../session/auth-context.ts'

export interface SignedInProps {
  /** Rendered for a signed-in person; a function is given who it is. */
  readonly children?: ReactNode | ((user: User) => ReactNode)
}

/**
 * Renders its children if somebody is signed in; nothing while that is not known. It decides what is
 * shown, not what is allowed: guard the data on the server.
 */
export function SignedIn({ children }: SignedInProps): ReactNode {
  const auth = useAuth()
  if (auth.status !== 'signed-in') return null
  return typeof children === 'function' ? children(auth.user) : children
}

export interface SignedOutProps {
  /** Rendered if nobody is signed in. */
  readonly children?: ReactNode
}

/** Renders its children if nobody is signed in; nothing while that is not known. */
export function SignedOut({ children }: SignedOutProps): ReactNode {
  return useAuth().status === 'signed-out' ? children : null
}

export interface AuthLoadingProps {
  /** Rendered while it is not known. */
  readonly children?: ReactNode
}

/** Renders its children while it is not known who is signed in. */
export function AuthLoading({ children }: AuthLoadingProps): ReactNode {
  return useAuth().status === 'loading' ? children : null
}
