// Requests to the server. This room promises: an answer is checked before anything relies on it, every request
// ends within its deadline, and every failure is an `AuthError` with a code.

import { type Check, isObject } from './answer.ts'
import { AuthError, isErrorCode } from './auth-error.ts'

/** In milliseconds. A person who waits longer assumes that the page is broken. */
const DEADLINE = 10_000

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

/**
 * Sends a request to a server of this page's own origin.
 *
 * @param isExpected checks the JSON of the answer, which is `undefined` for a 204 response
 * @returns that JSON
 * @throws AuthError
 */
export async function request<T>(
  method: Method,
  url: string,
  isExpected: Check<T>,
  content: object = {},
): Promise<T> {
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(), DEADLINE)
  try {
    const response = await send(method, url, content, deadline.signal)
    const body: unknown =
      response.status === 204 ? undefined : await response.json().catch(() => null)
    if (response.ok && isExpected(body)) return body

    const cause = `${method} ${url} was not answered by Latchkey (status ${response.status}).`
    throw errorIn(body) ?? new AuthError('bad_answer', `${cause} Check basePath and your proxy.`)
  } finally {
    clearTimeout(timer)
  }
}

async function send(
  method: Method,
  url: string,
  content: object,
  signal: AbortSignal,
): Promise<Response> {
  try {
    return await fetch(url, {
      method,
      cache: 'no-store',
      headers: { 'content-type': 'application/json' },
      body: method === 'GET' ? null : JSON.stringify(content),
      signal,
    })
  } catch (cause) {
    throw new AuthError('unreachable', `${method} ${url} was not answered.`, { cause })
  }
}

/** The server's own error, if the body is one. */
function errorIn(body: unknown): AuthError | null {
  if (!isObject(body) || !isObject(body.error)) return null
  const { code, message } = body.error
  if (!isErrorCode(code)) return null
  return new AuthError(code, typeof message === 'string' ? message : code)
}
