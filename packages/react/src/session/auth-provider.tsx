'use client'

import { defaultBasePath, type SessionBody } from '@latchkey/contract'
import { type ReactElement, type ReactNode, useEffect, useMemo, useState } from 'react'
import { english } from '../locales/en.ts'
import { type TextOverrides, withOverrides } from '../locales/texts.ts'
import { AuthContext } from './auth-context.ts'
import { SessionClient } from './session-client.ts'

export interface AuthProviderProps {
  /** Where the server's routes are, without a slash at the end. Default `/auth`. */
  readonly basePath?: string | undefined
  /**
   * The result of `await request.getAuth()` when the server rendered this page, `null` if nobody is signed in:
   * no request is made, and there is no loading state. Only the first value counts. Anything else, such as the
   * body of an error response, means "not known". Default: asks the server.
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

/** Knows who is signed in, and tells the components and hooks below it. */
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
