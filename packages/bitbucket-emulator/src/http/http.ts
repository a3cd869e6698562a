// Requests and answers as values. This room promises: a route gets a request that has been read, returns an
// answer that has not been sent, and never touches a connection.

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** A request as the routes see it. */
export interface Received {
  /** Scheme and host as the client named them, so that links in answers lead back the same way. */
  readonly origin: string
  /** As it was sent, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  /** The body, if it is a form; `null` for any other content type. */
  readonly form: URLSearchParams | null
  /** What the `{placeholders}` of the route's path stand for, decoded. */
  readonly parameters: Readonly<Record<string, string>>
}

/** What goes back. A value, so that a planned fault can still spoil it on its way out. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const bodyLimit = 64 * 1024

/** The text of the body, or why there is none: it was too large, or the client left. */
export async function readBody(
  request: IncomingMessage,
): Promise<{ text: string } | 'too large' | 'client left'> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    // An oversized body is read to its end, unstored, so that the client reads our answer
    // and not a broken pipe.
    for await (const chunk of request) {
      size += chunk.length
      if (size <= bodyLimit) chunks.push(chunk)
    }
  } catch {
    return 'client left'
  }
  return size > bodyLimit ? 'too large' : { text: Buffer.concat(chunks).toString() }
}

/** The form in a body, or `null` if the content type says that it is something else. */
export function readForm(headers: IncomingHttpHeaders, text: string): URLSearchParams | null {
  const [type = ''] = (headers['content-type'] ?? '').split(';')
  const isForm = type.trim().toLowerCase() === 'application/x-www-form-urlencoded'
  return isForm ? new URLSearchParams(text) : null
}

/** A JSON answer that no cache keeps (RFC 6749 §5.1 asks it of tokens; people are no different). */
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

/** Returns what a client sent, without anything that could be markup, so that an answer can repeat it. */
export function wordOf(text: string): string {
  return text.replace(/[^\w:.-]/g, '?').slice(0, 60)
}

/**
 * An answer that sends the browser on with GET. 303 and not 302 or 307, because the consent form is a
 * POST and must not be posted again to the client (RFC 9700 §4.12).
 */
export function redirect(location: string): Answer {
  return { status: 303, headers: { location, 'cache-control': 'no-store' }, body: '' }
}
