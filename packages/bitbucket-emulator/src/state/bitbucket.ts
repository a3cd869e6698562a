// What changes while a Bitbucket runs. This room promises: it is all in memory, every lifetime is measured by
// the clock that was passed in, and `forget` leaves nothing but what the seed says.

import type { Rules } from '../rules/rules.ts'
import type { Consumer, Person, Workspace } from '../seed/seed-format.ts'
import { type Codes, createCodes } from './codes.ts'
import { createTokens, type Tokens } from './tokens.ts'

/** The state that all routes share: the people, the rules, and the codes and tokens that were issued. */
export interface Bitbucket extends Rules {
  readonly people: readonly Person[]
  readonly workspaces: readonly Workspace[]
  readonly consumers: readonly Consumer[]
  readonly codes: Codes
  readonly tokens: Tokens
  /** Forgets every code and token. */
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
