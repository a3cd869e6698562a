import type { Agent as HttpAgent, IncomingHttpHeaders } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type Wreck from '@hapi/wreck'
import { FlowError } from '../../http/errors.ts'
import type { Deadline } from './deadline.ts'
import { proxySettings } from './proxy.ts'

/** The longest response of a provider that is read, in bytes. We never accept compression. */
export const MAX_ANSWER_BYTES: number = 256 * 1024

/** Connections to one provider, kept open between requests. */
export interface Agents {
  readonly http: HttpAgent
  readonly https: HttpsAgent
  readonly httpsAllowUnauthorized: HttpsAgent
}

/**
 * @param maxSockets The most connections to each host, including idle ones. With `maxTotalSockets`,
 *   the idle connections of one host could starve another.
 * @param timeout How long a proxy may take to open a tunnel, in milliseconds.
 */
export function keepAliveAgents(maxSockets: number, timeout: number): Agents {
  // An import would also load Node's `fetch`, which takes longer to load than this module.
  const http = process.getBuiltinModule('node:http')
  const options = { keepAlive: true, maxSockets, ...proxySettings(timeout) }
  const https = passedAsItIs(new HttpsAgent(options))
  // Wreck requires a third agent, for requests that skip certificate checks. Ours checks them too.
  return {
    http: passedAsItIs(new http.Agent(options)),
    https,
    httpsAllowUnauthorized: https,
  }
}

/**
 * simple-oauth2 deep-copies its options, and a copied agent opens a connection for every request.
 * Its cloning (@hapi/hoek) does not copy objects with `isImmutable` on their prototype.
 */
function passedAsItIs<T extends HttpAgent>(agent: T): T {
  const prototype = Object.create(Object.getPrototypeOf(agent), { isImmutable: { value: true } })
  return Object.setPrototypeOf(agent, prototype)
}

/** One request to a provider. */
export interface ProviderRequest {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** A complete response. Its status is below 500 and not 429. */
export interface ProviderAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/**
 * Sends a request and reads the whole response.
 * @throws FlowError `provider_unavailable` or `provider_bad_answer`
 */
export async function send(
  http: typeof Wreck,
  request: ProviderRequest,
  deadline: Pick<Deadline, 'remaining'>,
): Promise<ProviderAnswer> {
  const { method, url, headers, body } = request
  const title = titleOf(request)
  const response = await http
    .request(method, url, {
      headers: { accept: 'application/json', 'user-agent': 'latchkey', ...headers },
      timeout: deadline.remaining(),
      ...(body !== undefined && { payload: body }),
    })
    .catch((error: unknown) => {
      throw new FlowError('provider_unavailable', `${title} ${noAnswer(error)}`)
    })
  const status = response.statusCode ?? 0
  try {
    if (isOutage(status)) throw new FlowError('provider_unavailable', `${title}: ${status}`)
    const bytes = await http.read(response, {
      timeout: deadline.remaining(),
      maxBytes: MAX_ANSWER_BYTES,
    })
    return { status, headers: response.headers, text: bytes.toString('utf8') }
  } catch (error) {
    response.destroy()
    if (error instanceof FlowError) throw error
    if (isTimeout(error)) {
      throw new FlowError('provider_unavailable', `${title} did not answer in time`)
    }
    throw incomplete(request, status)
  }
}

/**
 * Parses a response as JSON.
 * @throws FlowError `provider_bad_answer`
 */
export function jsonOf(request: ProviderRequest, { status, text }: ProviderAnswer): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The message of a JSON error quotes the response, so it is dropped.
    throw incomplete(request, status)
  }
}

function incomplete(request: ProviderRequest, status: number): FlowError {
  return new FlowError(
    'provider_bad_answer',
    `${titleOf(request)} answered ${status} without complete JSON`,
  )
}

/** Returns how the log names a request: its method and path, without the query. */
export function titleOf({ method, url }: Pick<ProviderRequest, 'method' | 'url'>): string {
  return `${method} ${new URL(url).pathname}`
}

/**
 * Whether Wreck timed out. A 408 response of the server differs from Wreck's own: it is an
 * `isResponseError`.
 */
export function isTimeout(error: unknown): boolean {
  const { output, data } = error as {
    output?: { statusCode?: number }
    data?: { isResponseError?: boolean }
  }
  return output?.statusCode === 408 && data?.isResponseError !== true
}

/**
 * Returns why a request got no response, for the log: the code of Node or OpenSSL, such as
 * ECONNREFUSED or CERT_HAS_EXPIRED. The rest of the error contains the request, so it is not safe
 * to log.
 */
export function noAnswer(error: unknown): string {
  const { code, data } = error as { code?: unknown; data?: { code?: unknown } | null }
  const word = code ?? data?.code
  return typeof word === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(word)
    ? `could not be reached: ${word}`
    : 'got no answer'
}

export function isOutage(status: number): boolean {
  return status >= 500 || status === 429
}
