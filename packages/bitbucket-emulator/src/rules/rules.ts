// Bitbucket's rules. This room promises: every point on which the profiles, the sources, or guesses about undocumented
// behaviour differ has a name here and an option in the README.

import type { Behaviour } from './profiles.ts'

/** The rules that differ between the profiles, or that are unknown. */
export interface Rules {
  readonly behaviour: Behaviour
  readonly pkce: 'ignore' | 'enforce'
  readonly clientAuth: 'basic+body' | 'basic'
  readonly scopeParameter: 'ignore' | 'narrow'
  /** Milliseconds. */
  readonly refreshLockoutMs: number
}
