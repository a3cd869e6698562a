'use client'

import type { Provider } from '@latchkey/contract'
import { knownProviders } from '../looks/marks.tsx'
import type { Remote } from '../session/remote.ts'
import { useProviders } from './providers.ts'

/**
 * A provider from the server, or one that the application listed. Only the id and the name of a listed provider are
 * known.
 */
type OfferedProvider = Pick<Provider, 'id' | 'name'> & Partial<Provider>

/** The providers that a card offers. */
export type Offer = Remote<{
  readonly providers: readonly OfferedProvider[]
  /** Id of the provider that this browser last signed in with. */
  readonly lastUsed: string | null
}>

export interface OfferOptions {
  /** Ids from the application. Default: requests the providers from the server. */
  readonly providers?: readonly string[] | undefined
  /** Hides providers that do not support it. */
  readonly purpose: 'signIn' | 'signUp'
  readonly basePath?: string | undefined
  /** If `false`, no request is sent. */
  readonly enabled: boolean
}

export function useOffer({ providers, purpose, basePath, enabled }: OfferOptions): Offer {
  const answer = useProviders({ basePath, enabled: enabled && providers === undefined })
  if (providers) return { status: 'ready', providers: providers.map(named), lastUsed: null }
  if (answer.status !== 'ready') return answer
  return { ...answer, providers: answer.providers.filter((provider) => provider[purpose]) }
}

function named(id: string): OfferedProvider {
  return { id, name: knownProviders[id]?.name ?? id }
}
