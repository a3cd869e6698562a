// The state of a running emulator. This room promises: all of it is in memory, every lifetime is measured with the
// injected clock, and `forget` leaves only the seed.

import type { Rules } from '../rules/rules.ts'
import type { Consumer, Person, Workspace } from '../seed/seed-format.ts'
import { type Codes, createCodes } from './codes.ts'
import { createTokens, type Tokens } from './tokens.ts'

/** The state that all routes share: the seed, the rules, and the issued codes and tokens. */
export interface Bitbucket extends Rules {
  readonly people: readonly Person[]
  readonly workspaces: readonly Workspace[]
  readonly consumers: readonly Consumer[]
  readonly codes: Codes
  readonly tokens: Tokens
  /** Deletes every code and token. */
  forget(): void
}

export function createBitbucket(
  settings: Rules & Pick<Bitbucket, 'people' | 'workspaces' | 'consumers'>,
  now: () => number,
): Bitbucket {
  const codes = createCodes(now)
  const tokens = createTokens(settings, now)
  return {
    ...settings,
    codes,
    tokens,
    forget() {
      codes.forget()
      tokens.forget()
    },
  }
}
