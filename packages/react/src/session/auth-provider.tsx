'use client'

import { defaultBasePath, type Paths, paths, type SessionBody, type User } from '@latchkey/contract'
import {
  type Context,
  createContext,
  type ReactElement,
  type ReactNode,
  useContext,
  useEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from 'react'
import { english, type TextOverrides, type Texts, withOverrides } from '../locales/texts.ts'
import { type AuthState, createSessionClient, type SessionClient } from './session-client.ts'

export interface AuthProviderProps {
  /** Where the server's routes are, without a slash at the end. Default `/auth`. */
  readonly basePath?: string | undefined
  /**
   * What `await request.getAuth()` answered while the server rendered this page, `null` for nobody: no
   * request is made then, and no loading state is seen. Only the first value counts. Default: asks the
   * server.
   */
  readonly initialSession?: SessionBody | null | undefined
  /**
   * A table of `@latchkey/react/locales/*`, or other words for some of the texts. Default: English.
   */
  readonly texts?: TextOverrides | undefined
  /**
   * Loads people's pictures from the hosts that the providers name, which tells these hosts who visits.
   * Default: an initial.
   */
  readonly loadRemoteAvatars?: boolean | undefined
  /** The application, or the part of it that needs to know. */
  readonly children?: ReactNode
}

interface AuthContextValue {
  readonly basePath: string | undefined
  readonly texts: Texts
  readonly loadRemoteAvatars?: boolean | undefined
  /** Absent inside of a `<SignIn>` without an `<AuthProvider>` above. */
  readonly client?: SessionClient | undefined
}

/** `null` without an `<AuthProvider>` above. */
export const AuthContext: Context<AuthContextValue | null> = createContext<AuthContextValue | null>(
  null,
)

/** Knows who is signed in, and tells the components and hooks below it. */
export function AuthProvider({
  basePath = defaultBasePath,
  initialSession,
  texts,
  loadRemoteAvatars,
  children,
}: AuthProviderProps): ReactElement {
  const [client] = useState(() => createSessionClient(basePath, initialSession))
  const value = useMemo(
    () => ({ basePath, client, texts: withOverrides(english, texts), loadRemoteAvatars }),
    [basePath, client, texts, loadRemoteAvatars],
  )
  useEffect(() => client.start(), [client])
  return <AuthContext.Provider value={value}>{children}</AuthContext.Provider>
}

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

/** As `useAuth`, but `null` without an `<AuthProvider>` above. */
export function useOptionalAuth(): AuthState | null {
  return useStateOf(useContext(AuthContext)?.client)
}

function useStateOf(client: SessionClient | undefined): AuthState | null {
  return useSyncExternalStore(
    client?.subscribe ?? subscribeToNothing,
    () => client?.getState() ?? null,
    () => client?.initialState ?? null,
  )
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

function subscribeToNothing(): () => void {
  return () => {}
}
