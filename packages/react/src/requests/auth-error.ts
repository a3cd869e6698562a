import { type ErrorCode, errorSentences } from '@latchkey/contract'

/**
 * What went wrong between the browser and the server: one of the server's own codes, `unreachable` (no
 * answer), or `bad_answer` (an answer that is not Latchkey's).
 */
export type AuthErrorCode = ErrorCode | 'unreachable' | 'bad_answer'

/** A request to the server that did not give what it was for. Switch on `code`, never on `message`. */
export class AuthError extends Error {
  override readonly name = 'AuthError'
  readonly code: AuthErrorCode

  constructor(code: AuthErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Whether a code from outside is one that the server may send. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorSentences, code)
}
