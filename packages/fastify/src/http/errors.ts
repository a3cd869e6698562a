import { type ErrorBody, type ErrorCode, errorSentence } from '@latchkey/contract'
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'

/** What a programmer did that cannot work. Stable; switch on these, never on a message. */
export type LatchkeyErrorCode =
  | 'LATCHKEY_ARGUMENT_INVALID'
  | 'LATCHKEY_OPTION_MISSING'
  | 'LATCHKEY_OPTION_INVALID'
  | 'LATCHKEY_OPTION_UNKNOWN'
  | 'LATCHKEY_DECORATOR_TAKEN'
  | 'LATCHKEY_EMULATOR_MISSING'
  | 'LATCHKEY_GUARD_MISPLACED'
  | 'LATCHKEY_NOT_LOOPBACK'
  | 'LATCHKEY_REGISTERED_TWICE'
  | 'LATCHKEY_STORE_UNUSABLE'
  | 'LATCHKEY_UNGUARDED'
  | 'LATCHKEY_UNKNOWN_USER'

/** What a call may have been given that came from a request, such as an id or a cursor. */
const STATUS_CODES: Partial<Record<LatchkeyErrorCode, number>> = {
  LATCHKEY_ARGUMENT_INVALID: 400,
  LATCHKEY_UNKNOWN_USER: 404,
}

/**
 * A mistake in the application's code or configuration. The message names it and its cure. Thrown by a
 * route of the application it is a 500, but 400 for `LATCHKEY_ARGUMENT_INVALID` and 404 for
 * `LATCHKEY_UNKNOWN_USER`.
 */
export class LatchkeyError extends Error {
  override readonly name = 'LatchkeyError'
  readonly code: LatchkeyErrorCode
  /** What Fastify answers with. */
  readonly statusCode: number

  constructor(code: LatchkeyErrorCode, message: string) {
    super(message)
    this.code = code
    this.statusCode = STATUS_CODES[code] ?? 500
  }
}

/** Returns the error of an option that cannot work. Its message never holds the option's value. */
export function invalidOption(option: string, demand: string): LatchkeyError {
  return new LatchkeyError('LATCHKEY_OPTION_INVALID', `Option \`${option}\` ${demand}.`)
}

/**
 * A flow that cannot go on. `code` is what the person is told; the message is for the log and holds
 * nothing secret: no provider text, no code, no token. Never give it a `cause`: an HTTP client's
 * error holds the request with its `Authorization` header.
 */
export class FlowError extends Error {
  override readonly name = 'FlowError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** The store did not answer, so nobody can be said to be signed in or out. Answered as a 503. */
export class UnavailableError extends Error {
  override readonly name = 'UnavailableError'
  readonly code = 'LATCHKEY_UNAVAILABLE'
  readonly statusCode = 503

  constructor() {
    super(errorSentence('unavailable'))
  }
}

/**
 * Asks the store, and turns any failure of its own into an UnavailableError. The failure is logged by
 * its message alone: a database's error may hold a row.
 */
export async function askStore<T>(log: FastifyBaseLogger, query: () => Promise<T>): Promise<T> {
  try {
    return await query()
  } catch (error) {
    if (error instanceof FlowError || error instanceof LatchkeyError) throw error
    log.error(
      { reason: error instanceof Error ? error.message : 'unknown' },
      'the store of Latchkey did not answer',
    )
    throw new UnavailableError()
  }
}

/**
 * What a guard with `throws: true` throws instead of answering. Where nothing catches it, Fastify answers
 * with its `statusCode` and `headers`.
 */
export class GuardError extends Error {
  override readonly name = 'GuardError'
  readonly code: ErrorCode
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>

  constructor(statusCode: number, code: ErrorCode) {
    super(errorSentence(code))
    this.code = code
    this.statusCode = statusCode
    this.headers =
      statusCode === 503 ? { ...SAFE_HEADERS, 'retry-after': String(RETRY_AFTER) } : SAFE_HEADERS
  }
}

/** How long a person's browser should wait before it asks again, in seconds. */
export const RETRY_AFTER = 5

/** What every answer of ours tells caches and browsers. */
export const SAFE_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
}

/** Answers with the contract's error body. */
export function sendError(reply: FastifyReply, status: number, code: ErrorCode): FastifyReply {
  if (status === 503) reply.header('retry-after', RETRY_AFTER)
  const body: ErrorBody = { error: { code, message: errorSentence(code) } }
  return sendJson(reply.code(status).headers(SAFE_HEADERS), body)
}

/** Answers a request that a page of another site has sent, and logs it. */
export function refuseCrossSite(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  logCrossSite(request)
  return sendError(reply, 403, 'cross_site')
}

export function logCrossSite(request: FastifyRequest): void {
  request.log.info({ event: 'request-refused', code: 'cross_site' }, 'request refused')
}

/**
 * Answers with JSON as it is. A response schema, a serializer or a `preSerialization` hook of the
 * application's would otherwise change what every client of ours relies on.
 */
export function sendJson(reply: FastifyReply, body: unknown): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(body))
}
