import { type Profile, profiles } from './rules/profiles.ts'
import type { Seed } from './seed/seed-format.ts'

export interface EmulatorOptions {
  /** Where to listen on 127.0.0.1. Default 0: any free port. */
  readonly port?: number
  /** Who and what exists. Default: `defaultPeople` and `defaultConsumer`. */
  readonly seed?: Seed
  /** `legacy` is Bitbucket before the changes that began in May 2026. Default `2026`. */
  readonly profile?: Profile
  /**
   * `ignore` takes no notice of `code_challenge` and `code_verifier`, as Bitbucket seems to do;
   * `enforce` checks them (RFC 7636, S256 only). Default `ignore`.
   */
  readonly pkce?: 'ignore' | 'enforce'
  /** Where client credentials count at the token endpoint. Default `basic+body`. */
  readonly clientAuth?: 'basic+body' | 'basic'
  /**
   * What `scope` in an authorize request does. `ignore`: nothing, the scopes are those of the client;
   * `narrow`: only what was asked for is given, and `invalid_scope` is the answer to more than the
   * client has. Sources differ. Default `ignore`.
   */
  readonly scopeParameter?: 'ignore' | 'narrow'
  /**
   * For how long, in milliseconds, a client gets the answer of a dead refresh token to good ones too,
   * once it has sent a dead one. It was seen to last some minutes, by one observer. Default 0.
   */
  readonly refreshLockoutMs?: number
  /** The time in milliseconds since the Unix epoch, for codes and tokens. Default `Date.now`. */
  readonly clock?: () => number
}

/**
 * Checks every option and fills in the defaults.
 *
 * @throws TypeError naming the option and the cure
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
    ...strangers
  } = options
  const read = { port, seed, profile, pkce, clientAuth, scopeParameter, refreshLockoutMs, clock }
  const [stranger] = Object.keys(strangers)
  if (stranger !== undefined) {
    throw new TypeError(
      `There is no option "${stranger}". There are ${Object.keys(read).join(', ')}.`,
    )
  }
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new TypeError('port must be a whole number from 0 to 65535; 0 takes any free port.')
  }
  checkChoice('profile', profile, Object.keys(profiles))
  checkChoice('pkce', pkce, ['ignore', 'enforce'])
  checkChoice('clientAuth', clientAuth, ['basic+body', 'basic'])
  checkChoice('scopeParameter', scopeParameter, ['ignore', 'narrow'])
  if (typeof refreshLockoutMs !== 'number' || !(refreshLockoutMs >= 0)) {
    throw new TypeError('refreshLockoutMs must be a number of milliseconds, 0 or more.')
  }
  if (typeof clock !== 'function') {
    throw new TypeError('clock must be a function that gives milliseconds since the Unix epoch.')
  }
  return read
}

function checkChoice(option: string, value: string, choices: readonly string[]): void {
  if (!choices.includes(value)) throw new TypeError(`${option} must be ${choices.join(' or ')}.`)
}
