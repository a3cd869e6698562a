'use client'

import type { UserPatch } from '@latchkey/contract'
import { useContext } from 'react'
import { isEmpty } from '../requests/answer.ts'
import { AuthContext, usePaths } from '../session/auth-context.ts'
import { useRequest } from '../session/remote.ts'
import { isUser } from '../session/session-body.ts'

/** What people may do with their account as a whole, where `useProviders().account` has it. */
export interface AccountActions {
  /**
   * Changes the name, here and on the server.
   *
   * @throws AuthError if the server did not take it
   */
  readonly update: (patch: UserPatch) => Promise<void>
  /**
   * Deletes the account; nobody is signed in then.
   *
   * @throws AuthError `reauth_required` if the person has to sign in again first
   */
  readonly delete: () => Promise<void>
  /** Address of a file with everything that is kept about the person: for a link. */
  readonly exportUrl: string
}

/** For a page of the person's own account. */
export function useAccount(): AccountActions {
  const url = usePaths()
  const client = useContext(AuthContext)?.client
  const ask = useRequest()

  return {
    update: (patch) => ask('PATCH', url.user, isUser, patch).then(() => client?.refresh()),
    delete: () => ask('DELETE', url.user, isEmpty).then(() => client?.forget()),
    exportUrl: url.userExport,
  }
}
