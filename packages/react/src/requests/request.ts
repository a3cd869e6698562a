// Requests to the server. This room promises: every response is validated before use, every request ends within
// its deadline, and every failure is an `AuthError` with a code.

import { type Check, isObject } from './answer.ts'
import { AuthError, isErrorCode } from './auth-error.ts'

/** In milliseconds. After a longer wait, users assume that the page is broken. */
const DEADLINE = 10_000

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

/**
 * Sends a request to the server on this origin and returns the response's JSON.
 *
 * @param isExpected validates the JSON, which is `undefined` for a 204 response
 * @throws AuthError if the server is unreachable, or responds with an error or an unexpected body
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

    const cause = `The response to ${method} ${url} is not from Latchkey (status ${response.status}).`
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
    throw new AuthError('unreachable', `${method} ${url} got no response.`, { cause })
  }
}

/** Returns the server's error, or `null` if the body is not one. */
function errorIn(body: unknown): AuthError | null {
  if (!isObject(body) || !isObject(body.error)) return null
  const { code, message } = body.error
  if (!isErrorCode(code)) return null
  return new AuthError(code, typeof message === 'string' ? message : code)
}
