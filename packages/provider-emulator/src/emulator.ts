import { once } from 'node:events'
import { createServer } from 'node:http'
import {
  createRequestLog,
  listen,
  type RecordedRequest,
} from '@latchkey/bitbucket-emulator/building-blocks'
import { createConsents } from './consents.ts'
import { createDouble, type Double, emulatedSheet } from './double.ts'
import { createSigningKey } from './oauth/id-token.ts'
import { accessTokenLifetime } from './oauth/token.ts'
import type { EmulatedPerson } from './person.ts'
import { type Backstage, serve } from './serve.ts'
import type { Sheet } from './sheet.ts'

/** Options of `startProviderEmulator`. */
export interface EmulatorOptions {
  /** The port on 127.0.0.1. Default 0, which selects a free port. */
  readonly port?: number | undefined
  /** Returns the time in milliseconds since the Unix epoch. Default `Date.now`. */
  readonly clock?: (() => number) | undefined
}

/** A running emulator, as returned by `startProviderEmulator`. */
export interface ProviderEmulator {
  /** The base URL, without a trailing slash. */
  readonly url: string
  /** The newest 10,000 requests, oldest first. They are kept only in memory. */
  readonly requests: readonly RecordedRequest[]
  /**
   * Returns the same provider, with the emulator's URLs and credentials. Replaces an earlier provider with the same
   * id.
   *
   * @param people The accounts of a provider that you described yourself. Built-in companies have their own.
   * @throws TypeError if the emulator does not know the company and `people` is missing
   *
   * @example
   * ```ts
   * const providers = [emulator.emulate(github()), emulator.emulate(google())]
   * await app.register(latchkey, { providers })
   * ```
   */
  emulate<S extends Sheet>(provider: S, people?: readonly EmulatedPerson[]): S
  /** Stops the server and closes all open connections. Calling it again is a no-op. */
  close(): Promise<void>
}

/** RFC 6749 section 4.1.2 recommends at most ten minutes. */
const codeLifetime = 10 * 60 * 1000

/**
 * Starts an emulator of OAuth and OpenID Connect providers on 127.0.0.1.
 *
 * @example
 * ```ts
 * import { github } from '@latchkey/fastify'
 * import { startProviderEmulator } from '@latchkey/provider-emulator'
 *
 * const emulator = await startProviderEmulator()
 * await app.register(latchkey, { providers: [emulator.emulate(github())] })
 * ```
 *
 * @throws Error if the port is unavailable
 */
export async function startProviderEmulator({
  port = 0,
  clock = Date.now,
}: EmulatorOptions = {}): Promise<ProviderEmulator> {
  const doubles = new Map<string, Double>()
  const log = createRequestLog()
  const parts = {
    doubles,
    log,
    now: clock,
    codes: createConsents(codeLifetime, clock),
    tokens: createConsents(accessTokenLifetime, clock),
    key: await createSigningKey(),
  }
  const server = createServer((request, response) => void serve(request, response, backstage))
  const url = await listen(server, port)
  const backstage: Backstage = { ...parts, url }
  let closed: Promise<unknown> | undefined

  return {
    url,
    requests: log.requests,
    emulate(provider, people) {
      const double = createDouble(provider, people, url)
      doubles.set(provider.id, double)
      return emulatedSheet(provider, double)
    },
    async close() {
      closed ??= once(server.close(), 'close')
      server.closeAllConnections()
      await closed
    },
  }
}
