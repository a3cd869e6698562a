'use client'

import type { IdentitiesBody, Identity, UrlBody } from '@latchkey/contract'
import { thisPage } from '../browser/address.ts'
import { toAscii } from '../browser/return-to.ts'
import { hasFields, isListOf, isNumber, isString, isStringOrNull } from '../requests/answer.ts'
import { usePaths } from '../session/auth-context.ts'
import { type Remote, useRequest } from '../session/remote.ts'
import { useOwnList } from './own-list.ts'

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

/** What the person can sign in with. Asks the server; needs somebody signed in. */
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

/** A provider's page uses https, or http for an emulator. Anything else could be a script. */
function isProviderUrl(body: unknown): body is UrlBody {
  return hasFields<UrlBody>(body, { url: (url) => isString(url) && /^https?:/.test(url) })
}
