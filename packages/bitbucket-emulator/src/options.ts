import { type Profile, profiles } from './rules/profiles.ts'
import type { Seed } from './seed/seed-format.ts'

/** Options of `startBitbucketEmulator`. All are optional. */
export interface EmulatorOptions {
  /** The port on 127.0.0.1. Default 0, which selects a free port. */
  readonly port?: number
  /** The people, workspaces and clients. Default: `defaultPeople` and `defaultConsumer`. */
  readonly seed?: Seed
  /** `legacy` behaves as Bitbucket did before the changes that began in May 2026. Default `2026`. */
  readonly profile?: Profile
  /**
   * Whether to verify PKCE. `ignore` ignores `code_challenge` and `code_verifier`, as Bitbucket seems
   * to do. `enforce` verifies them (RFC 7636, S256 only). Default `ignore`.
   */
  readonly pkce?: 'ignore' | 'enforce'
  /** Where the token endpoint accepts client credentials. Default `basic+body`. */
  readonly clientAuth?: 'basic+body' | 'basic'
  /**
   * The effect of `scope` in an authorize request. With `ignore`, a token always has all of the client's scopes. With
   * `narrow`, it has only the requested scopes, and a scope that the client lacks causes an `invalid_scope` error.
   * Sources contradict each other about what Bitbucket does. Default `ignore`.
   */
  readonly scopeParameter?: 'ignore' | 'narrow'
  /**
   * For how many milliseconds a client that sent a dead refresh token cannot use its valid refresh tokens either. One
   * observer saw Bitbucket lock a client out like this for a few minutes. Default 0.
   */
  readonly refreshLockoutMs?: number
  /**
   * Returns the time in milliseconds since the Unix epoch. Codes, tokens and the request log use it.
   * Default `Date.now`.
   */
  readonly clock?: () => number
}

/**
 * Validates the options and fills in the defaults.
 *
 * @throws TypeError that names the invalid option and says how to fix it
 */
export function readOptions(options: EmulatorOptions): Required<EmulatorOptions> {
  const {
    port = 0,
    seed = {},
    profile = '2026',
    pkce = 'ignore',
    clientAuth = 'basic+body',
    scopeParameter = 'ignore',
    refreshLockoutMs = 0,
    clock = Date.now,
    ...unknown
  } = options
  const read = { port, seed, profile, pkce, clientAuth, scopeParameter, refreshLockoutMs, clock }
  const [unknownName] = Object.keys(unknown)
  if (unknownName !== undefined) {
    const names = Object.keys(read).join(', ')
    throw new TypeError(`There is no option \`${unknownName}\`. The options are ${names}.`)
  }
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new TypeError('port must be a whole number from 0 to 65535; 0 selects a free port.')
  }
  checkChoice('profile', profile, Object.keys(profiles))
  checkChoice('pkce', pkce, ['ignore', 'enforce'])
  checkChoice('clientAuth', clientAuth, ['basic+body', 'basic'])
  checkChoice('scopeParameter', scopeParameter, ['ignore', 'narrow'])
  if (typeof refreshLockoutMs !== 'number' || !(refreshLockoutMs >= 0)) {
    throw new TypeError('refreshLockoutMs must be a number of milliseconds, 0 or more.')
  }
  if (typeof clock !== 'function') {
    throw new TypeError('clock must be a function that returns milliseconds since the Unix epoch.')
  }
  return read
}

function checkChoice(option: string, value: string, choices: readonly string[]): void {
  if (!choices.includes(value)) throw new TypeError(`${option} must be ${choices.join(' or ')}.`)
}
