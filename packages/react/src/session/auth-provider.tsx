'use client'

import { defaultBasePath, type SessionBody } from '@latchkey/contract'
import { type ReactElement, type ReactNode, useEffect, useMemo, useState } from 'react'
import { english } from '../locales/en.ts'
import { type TextOverrides, withOverrides } from '../locales/texts.ts'
import { AuthContext } from './auth-context.ts'
import { SessionClient } from './session-client.ts'

export interface AuthProviderProps {
  /** Base path of the server's routes, without a trailing slash. Default `/auth`. */
  readonly basePath?: string | undefined
  /**
   * The result of `await request.getAuth()` from server rendering, which is `null` when signed out. If you pass it,
   * the page does not request the session and has no loading state. Later changes to this prop are ignored. Any other
   * value, such as the body of an error response, means that the session is unknown. Default: requests the session.
   */
  readonly initialSession?: SessionBody | null | undefined
  /** A language from `@latchkey/react/locales/*`, or your own versions of some texts. Default: English. */
  readonly texts?: TextOverrides | undefined
  /**
   * Loads users' pictures from third-party hosts, which lets those hosts see who visits your site. Default: shows an
   * initial.
   */
  readonly loadRemoteAvatars?: boolean | undefined
  /** The application, or the part of it that needs the session. */
  readonly children?: ReactNode
}

/**
 * Loads the session and provides it to the components and hooks inside it.
 *
 * @example
 * <AuthProvider><App /></AuthProvider>
 */
export function AuthProvider({
  basePath = defaultBasePath,
  initialSession,
  texts,
  loadRemoteAvatars,
  children,
}: AuthProviderProps): ReactElement {
  const [client] = useState(() => new SessionClient(basePath, initialSession))
  const value = useMemo(
    () => ({ basePath, client, texts: withOverrides(english, texts), loadRemoteAvatars }),
    [basePath, client, texts, loadRemoteAvatars],
  )
  useEffect(() => client.start(), [client])
  return <AuthContext.Provider value={value}>{children}</AuthContext.Provider>
}
