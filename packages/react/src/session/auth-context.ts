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

/** `null` without an `<AuthProvider>` above. */
export const AuthContext: Context<AuthContextValue | null> = createContext<AuthContextValue | null>(
  null,
)

/** Who is using this browser: one union on `status`. */
export function useAuth(): AuthState {
  const auth = useOptionalAuth()
  if (auth === null) throw new Error('useAuth needs <AuthProvider>.')
  return auth
}

/** The signed-in person; `null` if there is none, or if it is not known yet. */
export function useUser(): User | null {
  const auth = useAuth()
  return auth.status === 'signed-in' ? auth.user : null
}

/** Like `useAuth`, but `null` without an `<AuthProvider>` above. */
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

/** The table that applies here: the one of the `<AuthProvider>` above, else English. */
export function useTexts(): Texts {
  return useContext(AuthContext)?.texts ?? english
}

/** The server's routes under `basePath`, else the `<AuthProvider>`'s, else `/auth`. */
export function usePaths(basePath?: string): Paths {
  const context = useContext(AuthContext)
  return paths(basePath ?? context?.basePath)
}
