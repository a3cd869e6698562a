'use client'

import type { IdentitiesBody, Identity, SessionsBody, UrlBody, UserPatch } from '@latchkey/contract'
import { useContext } from 'react'
import { thisPage } from '../browser/address.ts'
import { type Guard, isNothing, like } from '../requests/request.ts'
import { AuthContext, usePaths, useUser } from '../session/auth-provider.tsx'
import { type Remote, useRemote, useRequest } from '../session/remote.ts'
import { isUser } from '../session/session-client.ts'
import { toAscii } from '../sign-in/sign-in-url.ts'

/** Somewhere that the person is signed in. */
export type Device = SessionsBody['sessions'][number]

/** Everywhere that the person is signed in, this browser first. */
export type SessionsState = Remote<{
  /** Each with `id`, `device`, `createdAt`, `lastUsedAt`, and `current` for this browser. */
  readonly sessions: readonly Device[]
  /**
   * Signs a device out.
   *
   * @throws AuthError if it may still be signed in
   */
  readonly end: (id: string) => Promise<void>
  /**
   * Signs all of them out but this one.
   *
   * @throws AuthError if they may still be signed in
   */
  readonly endOthers: () => Promise<void>
  /** Asks again, and shows what it has meanwhile. */
  readonly reload: () => void
}>

/** The accounts at providers that the person can sign in with. */
export type IdentitiesState = Remote<{
  /** Each with `id`, `provider`, `name` and `email`, the oldest first. */
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

/** Where the person is signed in. Asks the server; needs somebody signed in. */
export function useSessions(): SessionsState {
  const url = usePaths()
  const ask = useRequest()
  const [state, reload, end] = useOwn(url.sessions, url.oneSession, isSessionsBody)
  if (state.status !== 'ready') return state
  const sessions = [...state.sessions].sort((a, b) => +b.current - +a.current)
  return {
    status: 'ready',
    sessions,
    end,
    endOthers: () => ask('POST', url.signOut, isNothing, { scope: 'others' }).then(reload),
    reload,
  }
}

const ITEM = { id: '', createdAt: 0, lastUsedAt: 0 }
const isSessionsBody = /* @__PURE__ */ like<SessionsBody>({
  sessions: [{ ...ITEM, device: null, current: true }],
})
const isIdentitiesBody = /* @__PURE__ */ like<IdentitiesBody>({
  identities: [{ ...ITEM, provider: '', name: null, email: null }],
})
const isUrlBody = /* @__PURE__ */ like<UrlBody>({ url: '' })

/** Never to a script: https, or http for an emulator. */
function isLeadingAway(body: unknown): body is UrlBody {
  return isUrlBody(body) && /^https?:/.test(body.url)
}

/** What the person can sign in with. Asks the server; needs somebody signed in. */
export function useIdentities(): IdentitiesState {
  const url = usePaths()
  const ask = useRequest()
  const [state, , disconnect] = useOwn(url.identities, url.oneIdentity, isIdentitiesBody)
  if (state.status !== 'ready') return state
  return {
    ...state,
    disconnect,
    async connect(provider, returnTo = thisPage()) {
      const target = { return_to: toAscii(returnTo) }
      location.assign((await ask('POST', url.link(provider), isLeadingAway, target)).url)
    },
  }
}

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
  const refresh = () => client?.refresh()

  return {
    update: (patch) => ask('PATCH', url.user, isUser, patch).then(refresh),
    delete: () => ask('DELETE', url.user, isNothing).then(refresh),
    exportUrl: url.userExport,
  }
}

/** A list of the person's own, and what takes one out of it. */
function useOwn<T>(
  listUrl: string,
  itemUrl: (id: string) => string,
  is: Guard<T>,
): readonly [state: Remote<T>, reload: () => void, remove: (id: string) => Promise<void>] {
  const ask = useRequest()
  const user = useUser()
  const [state, reload] = useRemote(user && listUrl, is, user?.id)

  async function remove(id: string): Promise<void> {
    try {
      await ask('DELETE', itemUrl(id), isNothing)
    } catch (error) {
      // It may be gone by itself, and an answer that is lost says nothing of what was done. The list does.
      const list = await ask('GET', listUrl, is).catch(() => id)
      if (JSON.stringify(list).includes(id)) throw error
    } finally {
      reload()
    }
  }

  return [state, reload, remove]
}
