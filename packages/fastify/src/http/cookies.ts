import type { FastifyReply } from 'fastify'

const YEAR = 365 * 24 * 60 * 60

/**
 * The cookies of one origin: what they are called and how they are set. Clearing repeats the attributes
 * of setting, because browsers ignore a `__Host-` cookie, deletions included, without `Secure` and
 * `Path=/` (RFC 6265bis section 4.1.3.2).
 */
export interface Cookies {
  /** Holds `id.secret` of the browser's session. */
  readonly session: string
  /** Holds the id of the provider that this browser last signed in with. */
  readonly last: string
  /** The name of a flow's cookie begins with this. */
  readonly flowPrefix: string
  /** @param maxAge in seconds */
  set(reply: FastifyReply, name: string, value: string, maxAge: number): void
  clear(reply: FastifyReply, name: string): void
}

/** How long `last` is kept, in seconds. */
export const LAST_MAX_AGE: number = YEAR

/**
 * Names and attributes for `origin`. On a plain http origin, which only development allows, browsers
 * would refuse `__Host-`; there the names carry the port, since ports share cookies.
 * @param cookieName Sets the names apart from those of other applications on the same host.
 */
export function cookiesFor(origin: URL, cookieName: string): Cookies {
  const secure = origin.protocol === 'https:'
  const name = secure ? `__Host-${cookieName}` : `${cookieName}-${origin.port || '80'}`
  const attributes = { path: '/', httpOnly: true, sameSite: 'lax', secure } as const

  function write(reply: FastifyReply, cookie: string, value: string, maxAge: number): void {
    // Serialised here rather than by reply.setCookie(), which would mix in the application's own
    // `parseOptions` (a Domain, say, that makes browsers drop a `__Host-` cookie).
    const header = reply.server.serializeCookie(cookie, value, { ...attributes, maxAge })
    reply.header('set-cookie', header)
  }

  return {
    session: name,
    last: `${name}-last`,
    flowPrefix: `${name}-flow-`,
    set: write,
    clear: (reply, cookie) => write(reply, cookie, '', 0),
  }
}

/**
 * The value of one cookie of a raw `Cookie` header, or `null`. Names are taken to the letter, as in
 * `pairsOf`, but nothing else of the header is parsed: this is asked for every request.
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

/** Every cookie of a raw `Cookie` header whose name begins with `prefix`. */
export function readCookies(header: string | undefined, prefix: string): Map<string, string> {
  return new Map([...pairsOf(header)].filter(([name]) => name.startsWith(prefix)))
}

/**
 * Names to the letter, without the one space that browsers put between cookies. Not trimmed:
 * `trim()` drops a no-break space too, and a name that begins with one has no `__Host-` in a browser's
 * eyes, so that any subdomain may set it.
 */
function* pairsOf(header = ''): Generator<[name: string, value: string]> {
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=')
    const start = pair.startsWith(' ') ? 1 : 0
    if (equals > start) yield [pair.slice(start, equals), pair.slice(equals + 1)]
  }
}
