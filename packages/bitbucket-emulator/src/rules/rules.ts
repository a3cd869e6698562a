// How Bitbucket decides. This room promises: where the Bitbucket of 2026 differs from the one before, where
// sources differ, and where nothing is known, the difference has a name here and an option in the README.

import type { Behaviour } from './profiles.ts'

/** The rules in which the profiles differ, or for which Bitbucket's behaviour is unknown. */
export interface Rules {
  readonly behaviour: Behaviour
  readonly pkce: 'ignore' | 'enforce'
  readonly clientAuth: 'basic+body' | 'basic'
  readonly scopeParameter: 'ignore' | 'narrow'
  /** Milliseconds. */
  readonly refreshLockoutMs: number
}
