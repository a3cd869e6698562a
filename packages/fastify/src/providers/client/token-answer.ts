import type { IncomingMessage } from 'node:http'
import { FlowError } from '../../http/errors.ts'
import { isObject } from '../provider.ts'
import { isOutage, isTimeout, noAnswer } from './provider-http.ts'

/**
 * Returns the failure of a token request, in our own words. The original error contains the request
 * with the client secret, so it is dropped.
 */
export function tokenFailure(error: unknown): FlowError {
  const { data, isBoom, code } = error as {
    data?: { res?: IncomingMessage; payload?: unknown; isResponseError?: boolean } | unknown[]
    isBoom?: boolean
    code?: string
  }
  // Wreck reports a redirect that it did not follow as an array, the trace of the redirects.
  if (Array.isArray(data)) {
    return new FlowError('provider_bad_answer', 'the token endpoint answered with a redirect')
  }
  const answer = data?.res
  answer?.destroy()
  if (isTimeout(error)) {
    return new FlowError('provider_unavailable', 'the token endpoint did not answer in time')
  }
  const status = answer?.statusCode
  if (status === undefined) {
    return isBoom === true || code !== undefined
      ? new FlowError('provider_unavailable', `the token endpoint ${noAnswer(error)}`)
      : new FlowError('provider_bad_answer', 'the token endpoint answered without a token')
  }
  const said = `the token endpoint answered ${status}`
  if (isOutage(status)) return new FlowError('provider_unavailable', said)
  if (status >= 400 && data?.isResponseError === true) {
    return new FlowError('provider_refused', `${said} ${errorWord(data.payload)}`)
  }
  return new FlowError('provider_bad_answer', `${said} without a token in JSON`)
}

/** The tokens of one sign-in. */
export interface Tokens {
  readonly accessToken: string
  /** Only from an OpenID provider, and not verified. */
  readonly idToken: unknown
}

/**
 * Returns the tokens of a token response (https://www.rfc-editor.org/rfc/rfc6749#section-5.1).
 * Ignores `scope` and `expires_in`.
 */
export function tokensOf(answer: unknown): Tokens {
  if (!isObject(answer)) {
    throw new FlowError('provider_bad_answer', 'the token response is not a JSON object')
  }
  if (answer.error !== undefined) {
    // Some providers return an error with status 200.
    throw new FlowError('provider_refused', `the token response is an error ${errorWord(answer)}`)
  }
  const { access_token, token_type, id_token } = answer
  if (typeof access_token !== 'string' || !/^[\x21-\x7e]+$/.test(access_token)) {
    throw new FlowError('provider_bad_answer', 'the token response has no usable access_token')
  }
  if (typeof token_type !== 'string' || token_type.toLowerCase() !== 'bearer') {
    throw new FlowError('provider_bad_answer', 'the token response is not of type bearer')
  }
  return { accessToken: access_token, idToken: id_token }
}

/** Returns the OAuth error code of a response for the log, if it is well-formed. */
export function errorWord(answer: unknown): string {
  const word = isObject(answer) ? answer.error : undefined
  return typeof word === 'string' && /^[a-z_]{1,40}$/.test(word) ? word : '(no error code)'
}
