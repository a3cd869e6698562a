'use client'

import type { UserPatch } from '@latchkey/contract'
import { useContext } from 'react'
import { isEmpty } from '../requests/answer.ts'
import { AuthContext, usePaths } from '../session/auth-context.ts'
import { useRequest } from '../session/remote.ts'
import { isUser } from '../session/session-body.ts'

/**
 * Actions for the user's own account. Each needs an account part of the server: check `useProviders().account` for
 * `profile`, `delete` or `export` first.
 */
export interface AccountActions {
  /**
   * Changes the user's name on the server and on the page. Later sign-ins keep it.
   *
   * @throws AuthError if the server rejects the change
   */
  readonly update: (patch: UserPatch) => Promise<void>
  /**
   * Deletes the account and signs the user out. Not available yet.
   *
   * @throws AuthError with the code `reauth_required` if the user must sign in again first
   */
  readonly delete: () => Promise<void>
  /** URL for a link that downloads everything that is stored about the user. Not available yet. */
  readonly exportUrl: string
}

/**
 * Returns actions for your own account page.
 *
 * @example
 * const account = useAccount()
 * return <button onClick={() => account.update({ name: 'Ada Test' })}>Rename me</button>
 */
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
