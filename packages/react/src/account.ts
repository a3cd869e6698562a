'use client'

import type { IdentitiesBody, Identity, SessionsBody, UrlBody, UserPatch } from '@latchkey/contract'
import { useContext } from 'react'
import { AuthError } from './auth-error.ts'
import { AuthContext, usePaths } from './auth-provider.tsx'
import { type Remote, useRemote, useRequest } from './remote.ts'
import { badAnswer, isLike } from './request.ts'
import { thisPage, toAscii } from './sign-in-url.ts'

/** Somewhere that the person is signed in. */
export type Device = SessionsBody['sessions'][number]

/** Everywhere that the person is signed in, this browser first. */
export type SessionsState = Remote<{
  readonly sessions: readonly Device[]
  /**
   * Signs a device out.
   *
   * @throws AuthError if it may still be signed in
   */
  readonly end: (id: string) => Promise<void>
  /** Asks again, and shows what it has meanwhile. */
  readonly reload: () => void
}>

/** The accounts at providers that the person can sign in with. */
export type IdentitiesState = Remote<{
  readonly identities: readonly Identity[]
  /**
   * Takes one away.
   *
   * @throws AuthError if it may still be there: `reauth_required`, say, or `forbidden` for the last one
   */
  readonly disconnect: (id: string) => Promise<void>
  /**
   * Leaves the page for the provider, to add one.
   *
   * @param returnTo where to come back to; default: this page
   * @throws AuthError if the server does not say where
   */
  readonly connect: (provider: string, returnTo?: string) => Promise<void>
}>

export function useSessions(): SessionsState {
  const url = usePaths()
  const [state, reload, end] = useOwn<SessionsBody>(url.sessions, url.oneSession, SESSIONS)
  if (state.status !== 'ready') return state
  const sessions = [...state.sessions].sort((a, b) => +b.current - +a.current)
  return { status: 'ready', sessions, end, reload }
}

const ITEM = { id: '', createdAt: 0, lastUsedAt: 0 }
const SESSIONS = { sessions: [{ ...ITEM, device: null, current: true }] }
const IDENTITIES = { identities: [{ ...ITEM, provider: '', name: null, email: null }] }

export function useIdentities(): IdentitiesState {
  const url = usePaths()
  const ask = useRequest()
  const [state, , disconnect] = useOwn<IdentitiesBody>(url.identities, url.oneIdentity, IDENTITIES)
  if (state.status !== 'ready') return state
  return {
    ...state,
    disconnect,
    async connect(provider, returnTo = thisPage()) {
      const where = url.link(provider)
      const body = await ask('POST', where, { return_to: toAscii(returnTo) })
      // Never a script: https, or http for an emulator.
      if (!isLike<UrlBody>(body, { url: '' }) || !/^https?:/.test(body.url)) {
        throw badAnswer('POST', where, 'no address in it')
      }
      location.assign(body.url)
    },
  }
}

/** What people may do with their account as a whole, where `useProviders().account` has it. */
export interface AccountActions {
  /** @throws AuthError */
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

export function useAccount(): AccountActions {
  const url = usePaths()
  const client = useContext(AuthContext)?.client
  const ask = useRequest()
  async function change(method: 'PATCH' | 'DELETE', patch?: UserPatch): Promise<void> {
    await ask(method, url.user, patch)
    await client?.refresh()
  }

  return {
    update: (patch) => change('PATCH', patch),
    delete: () => change('DELETE'),
    exportUrl: url.userExport,
  }
}

/** A list of the person's own, and what takes one out of it. */
function useOwn<T>(
  listUrl: string,
  itemUrl: (id: string) => string,
  example: unknown,
): readonly [state: Remote<T>, reload: () => void, remove: (id: string) => Promise<void>] {
  const ask = useRequest()
  const [state, reload] = useRemote<T>(listUrl, example)

  async function remove(id: string): Promise<void> {
    try {
      await ask('DELETE', itemUrl(id))
    } catch (error) {
      // Gone by itself, if it is not found.
      if (!(error instanceof AuthError && error.code === 'not_found')) throw error
    } finally {
      // An answer that is lost says nothing of what was done; the list does.
      reload()
    }
  }

  return [state, reload, remove]
}
