import { AuthError, isErrorCode } from './auth-error.ts'

/** In milliseconds. A person who waits longer believes that the page is broken. */
const DEADLINE = 10_000

/** Whether an answer is what it should be. */
export type Guard<T> = (body: unknown) => body is T

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

/**
 * Asks the server of this page's own origin.
 *
 * @param is knows the answer's JSON, which is `undefined` for 204
 * @returns that JSON
 * @throws AuthError
 */
export async function request<T>(
  method: Method,
  url: string,
  is: Guard<T>,
  content = {},
): Promise<T> {
  const response = await fetch(url, {
    method,
    cache: 'no-store',
    headers: { 'content-type': 'application/json' },
    body: method === 'GET' ? null : JSON.stringify(content),
    signal: AbortSignal.timeout(DEADLINE),
  }).catch((cause) => {
    throw new AuthError('unreachable', `${method} ${url} was not answered.`, { cause })
  })
  const { status } = response
  const body: unknown = status === 204 ? undefined : await response.json().catch(() => null)
  if (response.ok && is(body)) return body

  const { code, message } = isObject(body) && isObject(body.error) ? body.error : {}
  if (isErrorCode(code)) throw new AuthError(code, typeof message === 'string' ? message : code)
  throw new AuthError(
    'bad_answer',
    `${method} ${url} was not answered by Latchkey (status ${status}). Check basePath and your proxy.`,
  )
}

/** For what has no answer but that it is done. */
export function isNothing(body: unknown): body is undefined {
  return body === undefined
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** Knows what is made like the example. */
export function like<T>(example: unknown): Guard<T> {
  return (body): body is T => isLike(body, example)
}

/**
 * Whether a value from outside is made like the example: of an object each field, of a list each item, and
 * `null` stands for a text or nothing. It may have more fields.
 */
function isLike(value: unknown, example: unknown): boolean {
  if (example === null) return value === null || typeof value === 'string'
  if (typeof example !== 'object') return typeof value === typeof example
  if (Array.isArray(example)) {
    return Array.isArray(value) && value.every((item) => isLike(item, example[0]))
  }
  return isObject(value) && Object.entries(example).every(([name, is]) => isLike(value[name], is))
}
