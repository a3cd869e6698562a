import type { FastifyReply } from 'fastify'

const YEAR = 365 * 24 * 60 * 60

/**
 * The names and attributes of the cookies for one origin. Clearing a cookie repeats its attributes, because
 * browsers ignore a `__Host-` cookie without `Secure` and `Path=/`, even when it is being deleted (RFC
 * 6265bis section 4.1.3.2).
 */
export interface Cookies {
  /** The cookie that contains `id.secret` of the browser's session. */
  readonly session: string
  /** The cookie that contains the id of the provider that this browser last signed in with. */
  readonly last: string
  /** The cookie that carries form fields of a provider from its POST to the GET. */
  readonly posted: string
  /** The cookie that carries the application's sentence about a refused sign-in. */
  readonly refusal: string
  /** The prefix of the name of each flow's cookie. */
  readonly flowPrefix: string
  /** @param maxAge in seconds */
  set(reply: FastifyReply, name: string, value: string, maxAge: number): void
  clear(reply: FastifyReply, name: string): void
}

/** How long the `last` cookie lives, in seconds. */
export const LAST_MAX_AGE: number = YEAR

/**
 * Returns the cookies' names and attributes for `origin`. On a plain http origin, which only development
 * allows, browsers would reject `__Host-`. There, the names contain the port instead, because all ports of a
 * host share cookies.
 * @param cookieName Distinguishes the cookies from those of other applications on the same host.
 */
export function cookiesFor(origin: URL, cookieName: string): Cookies {
  const secure = origin.protocol === 'https:'
  const name = secure ? `__Host-${cookieName}` : `${cookieName}-${origin.port || '80'}`
  const attributes = { path: '/', httpOnly: true, sameSite: 'lax', secure } as const

  function write(reply: FastifyReply, cookie: string, value: string, maxAge: number): void {
    // Do not use `reply.setCookie()`, which would merge the application's `parseOptions`. A `Domain` in those
    // would make browsers drop a `__Host-` cookie.
    const header = reply.server.serializeCookie(cookie, value, { ...attributes, maxAge })
    reply.header('set-cookie', header)
  }

  return {
    session: name,
    last: `${name}-last`,
    posted: `${name}-posted`,
    refusal: `${name}-refusal`,
    flowPrefix: `${name}-flow-`,
    set: write,
    clear: (reply, cookie) => write(reply, cookie, '', 0),
  }
}

/**
 * Returns the value of one cookie in a raw `Cookie` header, or `null`. The name must match exactly, as in
 * `pairsOf`. The rest of the header is not parsed, because this runs on every request.
 */
export function readCookie(header: string | undefined, name: string): string | null {
  if (header === undefined) return null
  for (let start = 0; start < header.length; ) {
    const semicolon = header.indexOf(';', start)
    const end = semicolon === -1 ? header.length : semicolon
    if (header.charCodeAt(start) === SPACE) start++
    const equals = start + name.length
    if (header.charCodeAt(equals) === EQUALS && header.startsWith(name, start)) {
      return header.slice(equals + 1, end)
    }
    start = end + 1
  }
  return null
}

const SPACE = 32
const EQUALS = 61

/** Returns every cookie in a raw `Cookie` header whose name begins with `prefix`. */
export function readCookies(header: string | undefined, prefix: string): Map<string, string> {
  return new Map([...pairsOf(header)].filter(([name]) => name.startsWith(prefix)))
}

/**
 * Yields the exact names and values, without the one space that browsers put between cookies. It does not use
 * `trim()`, which also removes a no-break space. To a browser, a name that begins with a no-break space has
 * no `__Host-` prefix, so any subdomain can set it.
 */
function* pairsOf(header = ''): Generator<[name: string, value: string]> {
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=')
    const start = pair.startsWith(' ') ? 1 : 0
    if (equals > start) yield [pair.slice(start, equals), pair.slice(equals + 1)]
  }
}
