import { once } from 'node:events'
import { type ServerResponse, validateHeaderName, validateHeaderValue } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import type { Answer } from '../http/http.ts'
import type { Route } from './routes.ts'

/**
 * What goes wrong with an answer on its way:
 * - `hang`: none ever comes; the connection stays open.
 * - `truncate`: the connection is cut in the middle of the body.
 * - `huge`: 64 MiB of white space, of no declared length, come before the body. It is still valid JSON,
 *   so a client without a limit reads it all and carries on.
 * - `redirect`: a 307 to the same URL. A client that follows it sends its secrets again, and is then
 *   answered as usual.
 */
export type Fault = 'hang' | 'truncate' | 'huge' | 'redirect'

/**
 * An answer planned instead of the usual one. With `status`, `headers` or `body` it replaces the usual
 * answer, and nothing happens behind it (no code is used up). Without them the usual answer comes, late
 * or spoiled.
 */
export interface PlannedAnswer {
  /** Default 200, with the fault `redirect` 307. */
  readonly status?: number
  /** `content-type` is set to JSON if `body` is not a string. */
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as it is if it is a string, else as JSON. Default: nothing. */
  readonly body?: unknown
  /** How long the request waits before anything else happens, in real milliseconds. Default 0. */
  readonly delayMs?: number
  readonly fault?: Fault
  /** How many requests are answered like this. Default 1. */
  readonly times?: number
}

/**
 * What the API says to somebody who has asked too often, to be planned with `answerNext`. It is also
 * said to come with no body at all: that is `{ status: 429 }`. A `Retry-After` was never documented.
 */
export const rateLimitExceeded: PlannedAnswer = {
  status: 429,
  body: { type: 'error', error: { message: 'Rate limit for this resource has been exceeded' } },
}

const faults: readonly string[] = ['hang', 'truncate', 'huge', 'redirect'] satisfies Fault[]
const longestTimer = 2 ** 31 - 1
const knownFields = ['status', 'headers', 'body', 'delayMs', 'fault', 'times']

/** The planned answers of every route, first come, first served. */
export interface Plans {
  add(route: Route, plan: PlannedAnswer): void
  /** The next one, used up by this; an empty one if nothing is planned. */
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

/** @throws TypeError naming the field of a planned answer that cannot be carried out, and the cure */
function checkPlan(plan: PlannedAnswer): void {
  if (typeof plan !== 'object' || plan === null) throw new TypeError('An answer must be an object.')
  const { status = 200, headers = {}, delayMs = 0, fault = 'hang', times = 1 } = plan
  const stranger = Object.keys(plan).find((key) => !knownFields.includes(key))
  if (stranger !== undefined) {
    throw new TypeError(`An answer has no field "${stranger}". It has ${knownFields.join(', ')}.`)
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
    throw new TypeError('status must be from 300 to 399 with the fault redirect.')
  }
  if (!faults.includes(fault)) throw new TypeError(`fault must be one of ${faults.join(', ')}.`)
  for (const [name, value] of Object.entries(headers)) {
    validateHeaderName(name)
    validateHeaderValue(name, value)
  }
  // Throws for what JSON cannot hold: here, where the mistake is, and not at the next request.
  asText(plan.body)
}

/** Waits as planned. Rejects once `signal` is aborted, which is the only end of `hang`. */
export async function hold(
  { delayMs = 0, fault }: PlannedAnswer,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted()
  if (delayMs > 0) await setTimeout(delayMs, undefined, { signal })
  if (fault === 'hang') await once(signal, 'abort').then(() => signal.throwIfAborted())
}

/** The planned answer, or the usual one if none is planned. `self` is the URL of the request. */
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

/** Sends an answer, spoiled if that is planned. */
export async function send(answer: Answer, response: ServerResponse, fault?: Fault): Promise<void> {
  response.statusCode = answer.status
  response.setHeaders(new Map(Object.entries(answer.headers)))
  if (fault === 'huge') {
    // Fails when the client has had enough, which is what it should do.
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
  if (text === undefined) throw new TypeError('body must be a text, or a value that JSON can hold.')
  return text
}
