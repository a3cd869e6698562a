'use client'

import { type Paths, paths, type User } from '@latchkey/contract'
import { type Context, createContext, useContext, useSyncExternalStore } from 'react'
import { english } from '../locales/en.ts'
import type { Texts } from '../locales/texts.ts'
import type { AuthState } from './auth-state.ts'
import type { SessionClient } from './session-client.ts'

interface AuthContextValue {
  readonly basePath: string | undefined
  readonly texts: Texts
  readonly loadRemoteAvatars?: boolean | undefined
  /** Missing inside a `<SignIn>` without an `<AuthProvider>` above. */
  readonly client?: SessionClient | undefined
}

/** `null` outside an `<AuthProvider>`. */
export const AuthContext: Context<AuthContextValue | null> = createContext<AuthContextValue | null>(
  null,
)

/**
 * Returns the session's state, a union that is discriminated by `status`. Must be used inside an `<AuthProvider>`.
 *
 * @example
 * const auth = useAuth()
 * if (auth.status === 'signed-in') return <p>Hello, {auth.user.name}.</p>
 */
export function useAuth(): AuthState {
  const auth = useOptionalAuth()
  if (auth === null) throw new Error('useAuth needs an <AuthProvider> above it.')
  return auth
}

/**
 * Returns the signed-in user, or `null` when signed out or while the session is unknown. Must be used inside an
 * `<AuthProvider>`.
 *
 * @example
 * const user = useUser()
 */
export function useUser(): User | null {
  const auth = useAuth()
  return auth.status === 'signed-in' ? auth.user : null
}

/** Like `useAuth`, but returns `null` outside an `<AuthProvider>`. */
export function useOptionalAuth(): AuthState | null {
  const client = useContext(AuthContext)?.client
  return useSyncExternalStore(
    client?.subscribe ?? subscribeToNothing,
    () => client?.getState() ?? null,
    () => client?.initialState ?? null,
  )
}

function subscribeToNothing(): () => void {
  return () => {}
}

/**
 * Returns the texts of the enclosing `<AuthProvider>` or `<SignIn>`, or the English texts if there is none.
 *
 * @example
 * const { tryAgain } = useTexts()
 */
export function useTexts(): Texts {
  return useContext(AuthContext)?.texts ?? english
}

/** Returns the server's routes under `basePath`. Default: the `<AuthProvider>`'s, otherwise `/auth`. */
export function usePaths(basePath?: string): Paths {
  const context = useContext(AuthContext)
  return paths(basePath ?? context?.basePath)
}
