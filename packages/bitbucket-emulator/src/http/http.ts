// Requests and responses as values. This room promises: a route receives a fully read request, returns an unsent
// response, and never touches a connection.

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** A request, as passed to a route. */
export interface Received {
  /** The scheme and host of the request, so that links in responses use the same host name. */
  readonly origin: string
  /** The path as it was sent, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  /** The body, if it is a form; `null` for any other content type. */
  readonly form: URLSearchParams | null
  /** The decoded values of the `{placeholders}` in the route's path. */
  readonly parameters: Readonly<Record<string, string>>
}

/** A response, as a value, so that a planned fault can still change how it is sent. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const bodyLimit = 64 * 1024

/** Returns the text of the body, or the reason why it could not be read. */
export async function readBody(
  request: IncomingMessage,
): Promise<{ text: string } | 'too large' | 'client left'> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    // Read an oversized body to its end and discard it. Otherwise, the client gets a broken pipe
    // instead of the response.
    for await (const chunk of request) {
      size += chunk.length
      if (size <= bodyLimit) chunks.push(chunk)
    }
  } catch {
    return 'client left'
  }
  return size > bodyLimit ? 'too large' : { text: Buffer.concat(chunks).toString() }
}

/** Returns the form in a body, or `null` for any other content type. */
export function readForm(headers: IncomingHttpHeaders, text: string): URLSearchParams | null {
  const [type = ''] = (headers['content-type'] ?? '').split(';')
  const isForm = type.trim().toLowerCase() === 'application/x-www-form-urlencoded'
  return isForm ? new URLSearchParams(text) : null
}

/** Returns a JSON response that must not be cached. RFC 6749 §5.1 requires that for tokens. */
export function json(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      ...headers,
    },
    body: JSON.stringify(body),
  }
}

/** Removes characters that could be markup from a client's input, so that a response can quote it. */
export function wordOf(text: string): string {
  return text.replace(/[^\w:.-]/g, '?').slice(0, 60)
}

/**
 * Returns a redirect that the browser follows with GET. The status is 303 instead of 302 or 307, because the browser
 * must not send the consent form's POST to the client too (RFC 9700 §4.12).
 */
export function redirect(location: string): Answer {
  return { status: 303, headers: { location, 'cache-control': 'no-store' }, body: '' }
}
