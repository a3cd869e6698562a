import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Profile, profiles } from './rules/profiles.ts'
import { readSeed } from './seed/seed.ts'
import type { Seed } from './seed/seed-format.ts'
import { createPlans, type PlannedAnswer } from './server/faults.ts'
import { isRoute, type Route, routeNames } from './server/routes.ts'
import { type RecordedRequest, serve } from './server/serve.ts'
import { createBitbucket } from './state/bitbucket.ts'

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

export interface BitbucketEmulator {
  /** Without a slash at the end: `http://127.0.0.1:4020`. */
  readonly url: string
  /** The newest 10,000 requests, oldest first. Held in memory only. */
  readonly requests: readonly RecordedRequest[]
  /**
   * Plans the next answer of a route; further calls queue up behind it.
   *
   * @throws TypeError if there is no such route, or if the answer cannot be given
   */
  answerNext(route: Route, answer: PlannedAnswer): void
  /** Moves the clock on, in milliseconds, so that codes and tokens expire. */
  advance(ms: number): void
  /**
   * Back to the start: forgets requests, codes, tokens, planned answers and what `advance` added, and
   * cuts the connections whose answers are held back.
   */
  reset(): void
  /** Stops listening and ends every open connection. */
  close(): Promise<void>
}

/**
 * Starts a Bitbucket Cloud on 127.0.0.1: its OAuth 2.0 pages and the user part of its API.
 *
 * @throws TypeError if an option or the seed is wrong, naming the field and the cure
 * @throws Error if the port cannot be had
 */
export async function startBitbucketEmulator(
  options: EmulatorOptions = {},
): Promise<BitbucketEmulator> {
  const { port, seed, profile, clock, ...rules } = readOptions(options)
  const behaviour = profiles[profile]
  let advanced = 0
  const now = (): number => clock() + advanced
  const bitbucket = createBitbucket({ ...readSeed(seed, behaviour), ...rules, behaviour }, now)
  const plans = createPlans()
  const requests: RecordedRequest[] = []
  let holding = new AbortController()

  const server = createServer((request, response) =>
    serve(request, response, { bitbucket, plans, requests, now, signal: holding.signal }),
  ).listen(port, '127.0.0.1')
  await once(server, 'listening').catch((cause: NodeJS.ErrnoException) => {
    throw new Error(portTrouble(port, cause.code), { cause })
  })
  const { port: actualPort } = server.address() as AddressInfo
  let closed: Promise<unknown> | undefined

  return {
    url: `http://127.0.0.1:${actualPort}`,
    requests,
    answerNext(route, plan) {
      if (!isRoute(route)) {
        throw new TypeError(`There is no route "${route}". There are ${routeNames.join(', ')}.`)
      }
      plans.add(route, plan)
    },
    advance(ms) {
      if (!Number.isFinite(ms) || ms < 0) {
        throw new TypeError('advance takes a number of milliseconds, 0 or more.')
      }
      advanced += ms
    },
    reset() {
      holding.abort()
      holding = new AbortController()
      plans.forget()
      bitbucket.forget()
      requests.length = 0
      advanced = 0
    },
    async close() {
      closed ??= once(server.close(), 'close')
      holding.abort()
      server.closeAllConnections()
      await closed
    },
  }
}

function readOptions(options: EmulatorOptions): Required<EmulatorOptions> {
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

function portTrouble(port: number, code: string | undefined): string {
  const problem = code === 'EADDRINUSE' ? 'is in use' : `cannot be opened (${code})`
  return `Port ${port} ${problem}. Choose another with the option \`port\` or the flag --port; 0 takes any free port.`
}
