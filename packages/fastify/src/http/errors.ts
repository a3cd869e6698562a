import { type ErrorBody, type ErrorCode, errorSentence } from '@latchkey/contract'
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import {
  type LatchkeyErrorCode,
  type ResponseCode,
  runtimeErrors,
  statusOf,
  statusOfMistake,
  withReference,
} from './codes.ts'

export type { LatchkeyErrorCode }

/**
 * A mistake in the application's code or configuration. The message says what is wrong and how to fix it, and
 * ends with a link to the code's entry in the reference. A route that throws it responds with 400 for
 * `LATCHKEY_ARGUMENT_INVALID`, 404 for `LATCHKEY_UNKNOWN_USER`, and 500 for every other code.
 *
 * @example
 * try {
 *   await app.register(latchkey, options)
 * } catch (error) {
 *   if (error instanceof LatchkeyError && error.code === 'LATCHKEY_STORE_UNUSABLE') process.exit(75)
 *   throw error
 * }
 */
export class LatchkeyError extends Error {
  override readonly name = 'LatchkeyError'
  readonly code: LatchkeyErrorCode
  /** The status that Fastify responds with. */
  readonly statusCode: number

  constructor(code: LatchkeyErrorCode, message: string) {
    super(withReference(message, code))
    this.code = code
    this.statusCode = statusOfMistake(code)
  }
}

/** Returns the error for an invalid option. The message never contains the option's value. */
export function invalidOption(option: string, demand: string): LatchkeyError {
  return new LatchkeyError('LATCHKEY_OPTION_INVALID', `Option \`${option}\` ${demand}.`)
}

/**
 * A sign-in that cannot continue. The user sees the message for `code`. This error's own message is for the
 * log and contains no secrets: no text from the provider, no code, and no token. Never set a `cause`: an HTTP client's error contains the request with its `Authorization` header.
 */
export class FlowError extends Error {
  override readonly name = 'FlowError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** The application's `onAdmission` refused the sign-in. The page shows this sentence. */
export class Refusal extends FlowError {
  readonly sentence: string

  constructor(sentence: string) {
    super('refused', '`onAdmission` refused the sign-in')
    this.sentence = sentence
  }
}

/** The store did not respond, so it is unknown whether the user is signed in. Responds with 503. */
export class UnavailableError extends Error {
  override readonly name = 'UnavailableError'
  readonly code = 'LATCHKEY_UNAVAILABLE'
  readonly statusCode: number = runtimeErrors.LATCHKEY_UNAVAILABLE.status

  constructor() {
    super(errorSentence('unavailable'))
  }
}

/**
 * Runs a query, and throws an UnavailableError if the store fails. Only the error's message is logged, because a database error may contain a row.
 */
export async function askStore<T>(log: FastifyBaseLogger, query: () => Promise<T>): Promise<T> {
  try {
    return await query()
  } catch (error) {
    if (error instanceof FlowError || error instanceof LatchkeyError) throw error
    log.error(
      { reason: error instanceof Error ? error.message : 'unknown' },
      withReference('the Latchkey store did not respond', 'LATCHKEY_UNAVAILABLE'),
    )
    throw new UnavailableError()
  }
}

/**
 * Thrown by a guard with `throws: true` instead of sending a response. If nothing catches it, Fastify
 * responds with its `statusCode` and `headers`.
 *
 * @example
 * app.setErrorHandler((error, request, reply) => {
 *   if (error instanceof GuardError && error.code === 'unauthenticated') return reply.redirect('/login')
 *   throw error
 * })
 */
export class GuardError extends Error {
  override readonly name = 'GuardError'
  readonly code: ErrorCode
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>

  constructor(code: ResponseCode) {
    super(errorSentence(code))
    this.code = code
    this.statusCode = statusOf(code)
    this.headers =
      this.statusCode === 503
        ? { ...SAFE_HEADERS, 'retry-after': String(RETRY_AFTER) }
        : SAFE_HEADERS
  }
}

/** How long a client should wait before it retries after a 503, in seconds. */
export const RETRY_AFTER = 5

/** The caching and security headers that all of Latchkey's routes send. */
export const SAFE_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
}

/**
 * Sends the contract's error body.
 * @param status Overrides the status of the code. Only for errors that were thrown by a hook.
 */
export function sendError(
  reply: FastifyReply,
  code: ResponseCode,
  status: number = statusOf(code),
): FastifyReply {
  if (status === 503) reply.header('retry-after', RETRY_AFTER)
  const body: ErrorBody = { error: { code, message: errorSentence(code) } }
  return sendJson(reply.code(status).headers(SAFE_HEADERS), body)
}

/** Refuses a request that was sent by a page on another site, and logs it. */
export function refuseCrossSite(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  logCrossSite(request)
  return sendError(reply, 'cross_site')
}

export function logCrossSite(request: FastifyRequest): void {
  request.log.info({ event: 'request-refused', code: 'cross_site' }, 'request refused')
}

/**
 * Sends JSON unchanged. Otherwise, the application's response schema, serializer or `preSerialization` hook
 * could change a body that clients rely on.
 */
export function sendJson(reply: FastifyReply, body: unknown): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(body))
}
