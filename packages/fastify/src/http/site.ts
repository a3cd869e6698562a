// Rules for every request and response. This room promises that the application's address never
// comes from a request, that a browser is only redirected to a page of the application, and that
// cookies, errors and seals look the same everywhere.

import { type Cookies, cookiesFor } from './cookies.ts'

/** The application's address, as a browser sees it. Never taken from a request. */
export interface Site {
  /**
   * Scheme, host, and any non-default port, as in `URL.origin`. Read it on each request, because in
   * development it changes when the server starts to listen.
   */
  readonly origin: string
  readonly hostname: string
  /** Whether the origin is https. */
  readonly secure: boolean
  readonly cookies: Cookies
  /** Sets the port that the server listens on. For development without an `origin`. */
  movedToPort(port: number): void
}

export function createSite(origin: string, cookieName: string): Site {
  const url = new URL(origin)
  const { hostname } = url
  const secure = url.protocol === 'https:'
  // Cached, because every request reads it, and `URL.origin` builds the string on each read.
  let ownOrigin = url.origin
  let cookies = cookiesFor(url, cookieName)

  return {
    hostname,
    secure,
    get origin() {
      return ownOrigin
    },
    get cookies() {
      return cookies
    },
    movedToPort(port) {
      url.port = String(port)
      ownOrigin = url.origin
      cookies = cookiesFor(url, cookieName)
    },
  }
}
