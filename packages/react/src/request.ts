import { errorSentence } from '@latchkey/contract'
import { AuthError, isErrorCode } from './auth-error.ts'

/** In milliseconds. A person who waits longer believes that the page is broken. */
const DEADLINE = 10_000

/**
 * Asks the server of this page's own origin.
 *
 * @returns the answer's JSON, or `undefined` for 204.
 * @throws AuthError
 */
export async function request(method: 'GET' | 'POST', url: string): Promise<unknown> {
  const response = await send(method, url)
  if (response.status === 204) return undefined
  const body: unknown = await response.json().catch(() => undefined)
  if (response.status === 200 && body !== undefined) return body

  const error = isObject(body) && isObject(body.error) ? body.error : {}
  const { code, message } = error
  if (!isErrorCode(code)) throw badAnswer(method, url, `status ${response.status}`)
  throw new AuthError(code, typeof message === 'string' ? message : errorSentence(code))
}

export function badAnswer(method: string, url: string, what: string): AuthError {
  return new AuthError(
    'bad_answer',
    `${method} ${url} was not answered by Latchkey (${what}). Check \`basePath\`, and that the page's origin passes this path on to the server.`,
  )
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

async function send(method: 'GET' | 'POST', url: string): Promise<Response> {
  const init: RequestInit = {
    method,
    credentials: 'same-origin',
    cache: 'no-store',
    signal: AbortSignal.timeout(DEADLINE),
  }
  if (method === 'POST') {
    init.headers = { 'content-type': 'application/json' }
    init.body = '{}'
  }
  try {
    return await fetch(url, init)
  } catch (cause) {
    throw new AuthError('unreachable', `${method} ${url} was not answered.`, { cause })
  }
}
