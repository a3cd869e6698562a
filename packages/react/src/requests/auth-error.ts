import { type ErrorCode, errorSentences } from '@latchkey/contract'

/**
 * The code of a failed request: one of the server's codes, `unreachable` (no response), or `bad_answer` (a response
 * that is not from Latchkey).
 */
export type AuthErrorCode = ErrorCode | 'unreachable' | 'bad_answer'

/**
 * A failed request to the server. Switch on `code`, never on `message`.
 *
 * @example
 * if (error instanceof AuthError && error.code === 'unreachable') showOfflineHint()
 */
export class AuthError extends Error {
  override readonly name = 'AuthError'
  readonly code: AuthErrorCode

  constructor(code: AuthErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Whether an untrusted value is one of the server's codes. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorSentences, code)
}
