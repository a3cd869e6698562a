'use client'

import type { IdentitiesBody, Identity, UrlBody } from '@latchkey/contract'
import { thisPage } from '../browser/address.ts'
import { toAscii } from '../browser/return-to.ts'
import { hasFields, isListOf, isNumber, isString, isStringOrNull } from '../requests/answer.ts'
import { usePaths } from '../session/auth-context.ts'
import { type Remote, useRequest } from '../session/remote.ts'
import { useOwnList } from './own-list.ts'

/** The provider accounts that the user can sign in with. Not available yet. */
export type IdentitiesState = Remote<{
  /** The identities, oldest first. Each has an `id`, `provider`, `name` and `email`. */
  readonly identities: readonly Identity[]
  /**
   * Disconnects an identity by its id.
   *
   * @throws AuthError if it may still be connected, for example with the code `reauth_required`, or with `forbidden`
   * if it is the user's only identity
   */
  readonly disconnect: (id: string) => Promise<void>
  /**
   * Connects another identity by navigating to the provider.
   *
   * @param returnTo the path to return to afterwards. Default: this page
   * @throws AuthError if the server does not return the provider's URL
   */
  readonly connect: (provider: string, returnTo?: string) => Promise<void>
}>

/**
 * Requests the user's identities. Stays `loading` when signed out. Not available yet: no server has these routes so
 * far. Check `useProviders().account` for `identities`.
 *
 * @example
 * const state = useIdentities()
 * if (state.status === 'ready') return <p>{state.identities.length} connected accounts</p>
 */
export function useIdentities(): IdentitiesState {
  const url = usePaths()
  const ask = useRequest()
  const [state, , disconnect] = useOwnList({
    listUrl: url.identities,
    itemUrl: url.oneIdentity,
    isExpected: isIdentitiesBody,
    itemsOf: (body) => body.identities,
  })
  if (state.status !== 'ready') return state
  return {
    ...state,
    disconnect,
    async connect(provider, returnTo = thisPage()) {
      const target = { return_to: toAscii(returnTo) }
      const { url: providerUrl } = await ask('POST', url.link(provider), isProviderUrl, target)
      location.assign(providerUrl)
    },
  }
}

function isIdentitiesBody(body: unknown): body is IdentitiesBody {
  return hasFields<IdentitiesBody>(body, { identities: (list) => isListOf(list, isIdentity) })
}

function isIdentity(value: unknown): value is Identity {
  return hasFields<Identity>(value, {
    id: isString,
    provider: isString,
    name: isStringOrNull,
    email: isStringOrNull,
    createdAt: isNumber,
    lastUsedAt: isNumber,
  })
}

/** Providers use https, or http for an emulator. Any other scheme, such as `javascript:`, could run a script. */
function isProviderUrl(body: unknown): body is UrlBody {
  return hasFields<UrlBody>(body, { url: (url) => isString(url) && /^https?:/.test(url) })
}
