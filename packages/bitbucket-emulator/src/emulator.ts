import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type EmulatorOptions, readOptions } from './options.ts'
import { profiles } from './rules/profiles.ts'
import { readSeed } from './seed/seed.ts'
import { createPlans, type PlannedAnswer } from './server/faults.ts'
import { createRequestLog, type RecordedRequest } from './server/request-log.ts'
import { isRoute, type Route, routeNames } from './server/routes.ts'
import { serve } from './server/serve.ts'
import { createBitbucket } from './state/bitbucket.ts'

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

/** Starts to listen on 127.0.0.1, and returns the URL. */
async function listen(server: Server, port: number): Promise<string> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening').catch((cause: NodeJS.ErrnoException) => {
    throw new Error(portTrouble(port, cause.code), { cause })
  })
  const { port: actualPort } = server.address() as AddressInfo
  return `http://127.0.0.1:${actualPort}`
}

function portTrouble(port: number, code: string | undefined): string {
  const problem = code === 'EADDRINUSE' ? 'is in use' : `cannot be opened (${code})`
  return `Port ${port} ${problem}. Choose another with the option \`port\` or the flag --port; 0 takes any free port.`
}
