import { type Cookies, cookiesFor } from './cookies.ts'

/** Where the application is for a browser. Never taken from a request. */
export interface Site {
  /** As in `URL.origin`: scheme, host, and port if it is not the scheme's own. */
  readonly origin: string
  readonly hostname: string
  /** Whether it is https. */
  readonly secure: boolean
  readonly cookies: Cookies
  /** For development without an `origin`: the port that the server got. */
  movedToPort(port: number): void
}

export function createSite(origin: string): Site {
  const url = new URL(origin)
  let cookies = cookiesFor(url)

  return {
    get origin() {
      return url.origin
    },
    get hostname() {
      return url.hostname
    },
    get secure() {
      return url.protocol === 'https:'
    },
    get cookies() {
      return cookies
    },
    movedToPort(port) {
      url.port = String(port)
      cookies = cookiesFor(url)
    },
  }
}
