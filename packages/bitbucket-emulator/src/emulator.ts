import { once } from 'node:events'
import { createServer } from 'node:http'
import { type EmulatorOptions, readOptions } from './options.ts'
import { profiles } from './rules/profiles.ts'
import { readSeed } from './seed/seed.ts'
import { createPlans, type PlannedAnswer } from './server/faults.ts'
import { listen } from './server/listen.ts'
import { createRequestLog, type RecordedRequest } from './server/request-log.ts'
import { isRoute, type Route, routeNames } from './server/routes.ts'
import { serve } from './server/serve.ts'
import { createBitbucket } from './state/bitbucket.ts'

/** A running emulator, as returned by `startBitbucketEmulator`. */
export interface BitbucketEmulator {
  /** The base URL, without a trailing slash: `http://127.0.0.1:4020`. */
  readonly url: string
  /**
   * The newest 10,000 requests, oldest first. They are kept only in memory.
   *
   * @example
   * ```ts
   * const exchanges = emulator.requests.filter(({ path }) => path === '/site/oauth2/access_token')
   * expect(exchanges).toHaveLength(1)
   * ```
   */
  readonly requests: readonly RecordedRequest[]
  /**
   * Plans the response to the next request for a route. Several plans for one route form a queue.
   *
   * @example
   * ```ts
   * emulator.answerNext('GET /2.0/user', { status: 503, times: 3 })
   * emulator.answerNext('POST /site/oauth2/access_token', { fault: 'hang' })
   * ```
   *
   * @throws TypeError if the route does not exist or the plan is invalid
   */
  answerNext(route: Route, answer: PlannedAnswer): void
  /**
   * Moves the emulator's clock forward, which expires codes and tokens.
   *
   * @example
   * ```ts
   * emulator.advance(2 * 60 * 60 * 1000) // access tokens expire after two hours
   * ```
   *
   * @param ms Milliseconds, 0 or more
   * @throws TypeError if `ms` is negative or not a finite number
   */
  advance(ms: number): void
  /**
   * Restores the initial state: clears requests, codes, tokens and planned answers, undoes every
   * `advance`, and closes connections that wait for a delayed response.
   *
   * @example
   * ```ts
   * afterEach(() => emulator.reset())
   * ```
   */
  reset(): void
  /**
   * Stops the server and closes all open connections. Calling it again is a no-op.
   *
   * @example
   * ```ts
   * afterAll(() => emulator.close())
   * ```
   */
  close(): Promise<void>
}

/**
 * Starts an emulator of Bitbucket Cloud on 127.0.0.1, with OAuth 2.0 and the user part of the API.
 *
 * @example
 * ```ts
 * import { startBitbucketEmulator } from '@latchkey/bitbucket-emulator'
 *
 * const emulator = await startBitbucketEmulator({ port: 4020 })
 * console.log(`${emulator.url}/site/oauth2/authorize`)
 * await emulator.close()
 * ```
 *
 * @throws TypeError if an option or the seed is invalid. The message names the field and says how to fix it.
 * @throws Error if the port is unavailable
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
  const log = createRequestLog()
  let holding = new AbortController()

  const server = createServer((request, response) =>
    serve(request, response, { bitbucket, plans, log, now, signal: holding.signal }),
  )
  const url = await listen(server, port)
  let closed: Promise<unknown> | undefined

  return {
    url,
    requests: log.requests,
    answerNext(route, plan) {
      if (!isRoute(route)) {
        throw new TypeError(
          `There is no route "${route}". The routes are ${routeNames.join(', ')}.`,
        )
      }
      plans.add(route, plan)
    },
    advance(ms) {
      if (!Number.isFinite(ms) || ms < 0) {
        throw new TypeError('advance requires a number of milliseconds, 0 or more.')
      }
      advanced += ms
    },
    reset() {
      holding.abort()
      holding = new AbortController()
      plans.forget()
      bitbucket.forget()
      log.forget()
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
