import { once } from 'node:events'
import { type ServerResponse, validateHeaderName, validateHeaderValue } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import type { Answer } from '../http/http.ts'
import type { Route } from './routes.ts'

/**
 * A network or protocol failure to simulate:
 * - `hang`: never responds. The connection stays open.
 * - `truncate`: cuts the connection in the middle of the body.
 * - `huge`: sends 64 MiB of white space before the body, without a `Content-Length`. The result is still
 *   valid JSON, so a client without a size limit reads all of it and carries on as usual.
 * - `redirect`: responds with a 307 to the same URL. A client that follows it sends its secrets again
 *   and gets the usual response.
 */
export type Fault = 'hang' | 'truncate' | 'huge' | 'redirect'

/**
 * A response planned with `answerNext`. With `status`, `headers` or `body` it replaces the usual response,
 * and the request has no effect (a code stays valid). Without these fields, the emulator sends its usual response,
 * delayed or with a fault.
 */
export interface PlannedAnswer {
  /** The HTTP status. Default 200, or 307 with the fault `redirect`. */
  readonly status?: number
  /** The response headers. `content-type` defaults to JSON if `body` is not a string. */
  readonly headers?: Readonly<Record<string, string>>
  /** The response body. A string is sent unchanged, any other value as JSON. Default: empty. */
  readonly body?: unknown
  /** How long to wait before processing the request, in real milliseconds. Default 0. */
  readonly delayMs?: number
  /** A failure to simulate. Default: none. */
  readonly fault?: Fault
  /** How many requests get this response. Default 1. */
  readonly times?: number
}

/**
 * The API's response to a client that exceeds the rate limit, for use with `answerNext`. According to reports,
 * Bitbucket sometimes sends no body. Use `{ status: 429 }` to simulate that. Bitbucket's documentation does not mention
 * a `Retry-After`.
 *
 * @example
 * ```ts
 * emulator.answerNext('GET /2.0/user', rateLimitExceeded)
 * ```
 */
export const rateLimitExceeded: PlannedAnswer = {
  status: 429,
  body: { type: 'error', error: { message: 'Rate limit for this resource has been exceeded' } },
}

const faults: readonly string[] = ['hang', 'truncate', 'huge', 'redirect'] satisfies Fault[]
const longestTimer = 2 ** 31 - 1
const knownFields = ['status', 'headers', 'body', 'delayMs', 'fault', 'times']

/** The queues of planned answers, one per route. */
export interface Plans {
  add(route: Route, plan: PlannedAnswer): void
  /** Removes and returns the next plan, or an empty one if the queue is empty. */
  take(route: Route): PlannedAnswer
  forget(): void
}

export function createPlans(): Plans {
  const queues = new Map<Route, { plan: PlannedAnswer; left: number }[]>()
  return {
    add(route, plan) {
      checkPlan(plan)
      const queue = queues.get(route) ?? []
      queues.set(route, [...queue, { plan, left: plan.times ?? 1 }])
    },
    take(route) {
      const queue = queues.get(route) ?? []
      const [next] = queue
      if (!next) return {}
      next.left -= 1
      if (next.left === 0) queue.shift()
      return next.plan
    },
    forget() {
      queues.clear()
    },
  }
}

/** @throws TypeError that names the invalid field of a planned answer and says how to fix it */
function checkPlan(plan: PlannedAnswer): void {
  if (typeof plan !== 'object' || plan === null)
    throw new TypeError('A planned answer must be an object.')
  const { status = 200, headers = {}, delayMs = 0, fault = 'hang', times = 1 } = plan
  const unknown = Object.keys(plan).find((key) => !knownFields.includes(key))
  if (unknown !== undefined) {
    const fields = knownFields.join(', ')
    throw new TypeError(`A planned answer has no field "${unknown}". The fields are ${fields}.`)
  }
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new TypeError('status must be an HTTP status from 200 to 599.')
  }
  if (!(delayMs >= 0 && delayMs <= longestTimer)) {
    throw new TypeError(`delayMs must be a number of milliseconds from 0 to ${longestTimer}.`)
  }
  if (!Number.isInteger(times) || times < 1) {
    throw new TypeError('times must be a whole number, 1 or more.')
  }
  if (fault === 'redirect' && plan.status !== undefined && (status < 300 || status > 399)) {
    throw new TypeError('With the fault redirect, status must be from 300 to 399.')
  }
  if (!faults.includes(fault)) throw new TypeError(`fault must be one of ${faults.join(', ')}.`)
  for (const [name, value] of Object.entries(headers)) {
    validateHeaderName(name)
    validateHeaderValue(name, value)
  }
  // Fail here, where the mistake is, instead of at the next request.
  asText(plan.body)
}

/** Waits as planned. Rejects when `signal` is aborted. Never resolves with the fault `hang`. */
export async function hold(
  { delayMs = 0, fault }: PlannedAnswer,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted()
  if (delayMs > 0) await setTimeout(delayMs, undefined, { signal })
  if (fault === 'hang') await once(signal, 'abort').then(() => signal.throwIfAborted())
}

/** Returns the planned answer, or the usual answer if there is no plan. `self` is the URL of the request. */
export function choose(plan: PlannedAnswer, self: string, usual: () => Answer): Answer {
  const { status, headers, body, fault } = plan
  if (fault === 'redirect') {
    return { status: status ?? 307, headers: { location: self, ...headers }, body: asText(body) }
  }
  if (status === undefined && headers === undefined && body === undefined) return usual()
  const type =
    typeof body === 'string' || body === undefined
      ? {}
      : { 'content-type': 'application/json; charset=utf-8' }
  return { status: status ?? 200, headers: { ...type, ...headers }, body: asText(body) }
}

/** Sends an answer, with a fault if one is planned. */
export async function send(answer: Answer, response: ServerResponse, fault?: Fault): Promise<void> {
  response.statusCode = answer.status
  response.setHeaders(new Map(Object.entries(answer.headers)))
  if (fault === 'huge') {
    // It is fine for the pipeline to fail when a client stops reading.
    await pipeline(Readable.from(whiteSpaceBefore(answer.body)), response).catch(() => undefined)
  } else if (fault === 'truncate') {
    const whole = Buffer.from(answer.body === '' ? '{}' : answer.body)
    response.setHeader('content-length', whole.length)
    response.write(whole.subarray(0, whole.length / 2), () => response.destroy())
  } else {
    response.end(answer.body)
  }
}

function* whiteSpaceBefore(body: string): Generator<Buffer | string> {
  const mebibyte = Buffer.alloc(1024 * 1024, ' ')
  for (let sent = 0; sent < 64; sent++) yield mebibyte
  yield body
}

function asText(body: unknown): string {
  if (body === undefined) return ''
  const text: string | undefined = typeof body === 'string' ? body : JSON.stringify(body)
  if (text === undefined)
    throw new TypeError('body must be a string or a value that JSON can represent.')
  return text
}
