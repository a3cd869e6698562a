// What is true of every request and response. This room promises: where the application is never comes from
// a request, a browser is only ever sent to a page of the application, and cookies, errors and seals look the
// same everywhere.

import { type Cookies, cookiesFor } from './cookies.ts'

/** Where the application is for a browser. Never taken from a request. */
export interface Site {
  /**
   * As in `URL.origin`: scheme, host, and port if it is not the scheme's own. Read it for each request: in
   * development it changes when the server listens.
   */
  readonly origin: string
  readonly hostname: string
  /** Whether it is https. */
  readonly secure: boolean
  readonly cookies: Cookies
  /** For development without an `origin`: the port that the server got. */
  movedToPort(port: number): void
}

export function createSite(origin: string, cookieName: string): Site {
  const url = new URL(origin)
  const { hostname } = url
  const secure = url.protocol === 'https:'
  // Asked for by every request, and put together anew each time that a URL is.
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
