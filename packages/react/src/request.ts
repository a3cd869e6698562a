import { AuthError, isErrorCode } from './auth-error.ts'

/** In milliseconds. A person who waits longer believes that the page is broken. */
const DEADLINE = 10_000

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

/**
 * Asks the server of this page's own origin.
 *
 * @returns the answer's JSON, or `undefined` for 204.
 * @throws AuthError
 */
export async function request(method: Method, url: string, content = {}): Promise<unknown> {
  const response = await fetch(url, {
    method,
    cache: 'no-store',
    headers: { 'content-type': 'application/json' },
    body: method === 'GET' ? null : JSON.stringify(content),
    signal: AbortSignal.timeout(DEADLINE),
  }).catch((cause) => {
    throw new AuthError('unreachable', `${method} ${url} was not answered.`, { cause })
  })
  if (response.status === 204) return undefined
  const body: unknown = await response.json().catch(() => undefined)
  if (response.status === 200 && body !== undefined) return body

  const { code, message } = isObject(body) && isObject(body.error) ? body.error : {}
  if (!isErrorCode(code)) throw badAnswer(method, url, `status ${response.status}`)
  throw new AuthError(code, typeof message === 'string' ? message : code)
}

export function badAnswer(method: string, url: string, what: string): AuthError {
  return new AuthError(
    'bad_answer',
    `${method} ${url} was not answered by Latchkey (${what}). Check \`basePath\` and your proxy.`,
  )
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/**
 * Whether a value from outside is made like the example: of an object each field, of a list each item, and
 * `null` stands for a text or nothing. It may have more fields.
 */
export function isLike<T>(value: unknown, example: unknown): value is T {
  if (example === null) return value === null || typeof value === 'string'
  if (typeof example !== 'object') return typeof value === typeof example
  if (Array.isArray(example)) {
    return Array.isArray(value) && value.every((item) => isLike(item, example[0]))
  }
  return isObject(value) && Object.entries(example).every(([name, is]) => isLike(value[name], is))
}
