import type { IncomingMessage } from 'node:http'
import { FlowError } from '../http/errors.ts'
import { isObject } from './provider.ts'
import { isOutage, isTimeout, noAnswer } from './provider-http.ts'

/**
 * Returns what went wrong at the token endpoint, in our own words. The original error is dropped here, because
 * it holds the request with the client's secret.
 */
export function tokenFailure(error: unknown): FlowError {
  const { data, isBoom, code } = error as {
    data?: { res?: IncomingMessage; payload?: unknown; isResponseError?: boolean } | unknown[]
    isBoom?: boolean
    code?: string
  }
  // Wreck's word for a redirect that it did not follow: the trace of where it was.
  if (Array.isArray(data)) {
    return new FlowError('provider_bad_answer', 'the token endpoint answered a redirect')
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
      : new FlowError('provider_bad_answer', 'the token endpoint answered no token')
  }
  const said = `the token endpoint answered ${status}`
  if (isOutage(status)) return new FlowError('provider_unavailable', said)
  if (status >= 400 && data?.isResponseError === true) {
    return new FlowError('provider_refused', `${said} ${errorWord(data.payload)}`)
  }
  return new FlowError('provider_bad_answer', `${said} with something else than JSON of a token`)
}

/** https://www.rfc-editor.org/rfc/rfc6749#section-5.1; `scope` and `expires_in` are not relied on. */
export function accessTokenOf(answer: unknown): string {
  if (!isObject(answer)) {
    throw new FlowError('provider_bad_answer', 'the token answer is not a JSON object')
  }
  if (answer.error !== undefined) {
    // Some providers answer 200 with an error in it.
    throw new FlowError('provider_refused', `the token answer is an error ${errorWord(answer)}`)
  }
  const { access_token, token_type } = answer
  if (typeof access_token !== 'string' || !/^[\x21-\x7e]+$/.test(access_token)) {
    throw new FlowError('provider_bad_answer', 'the token answer has no usable access_token')
  }
  if (typeof token_type !== 'string' || token_type.toLowerCase() !== 'bearer') {
    throw new FlowError('provider_bad_answer', 'the token answer is not of type bearer')
  }
  return access_token
}

/** Returns the OAuth error code of an answer for the log, if it is well-formed. */
export function errorWord(answer: unknown): string {
  const word = isObject(answer) ? answer.error : undefined
  return typeof word === 'string' && /^[a-z_]{1,40}$/.test(word) ? word : '(no error code)'
}
