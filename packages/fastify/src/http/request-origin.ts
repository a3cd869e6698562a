import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { withReference } from './codes.ts'
import type { Site } from './site.ts'

/** What to do with a request for a start route. */
export type StartVerdict = 'start' | 'ask-first' | 'refuse-prefetch' | 'refuse-embedding'

/**
 * Decides whether a start request comes from a click on one of our pages.
 *
 * Check for speculative loads first, because browsers send `Sec-Fetch-Site: none` with them.
 * https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Purpose
 */
export function judgeStart(headers: IncomingHttpHeaders): StartVerdict {
  const isSpeculative = PURPOSE_HEADERS.some((name) => SPECULATION.test(String(headers[name])))
  if (isSpeculative) return 'refuse-prefetch'
  const destination = headers['sec-fetch-dest']
  if (destination !== undefined && destination !== 'document') return 'refuse-embedding'
  const site = headers['sec-fetch-site']
  if (site === undefined || site === 'same-origin' || site === 'none') return 'start'
  // A link on another site may lead to our page, but signing in requires a click on that page.
  return 'ask-first'
}

/**
 * `Sec-Purpose` in current browsers, `Purpose` in older Chrome and Safari, and `X-Moz` in older
 * Firefox.
 */
const PURPOSE_HEADERS = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz']

/** Older versions of Safari send `preview`. */
const SPECULATION = /prefetch|prerender|preview/i

/**
 * Whether a request that changes something comes from a page on `origin`. This is the defence against
 * cross-site request forgery. A request without any information about its origin is rejected.
 */
export function isOwnRequest(headers: IncomingHttpHeaders, origin: string): boolean {
  const site = headers['sec-fetch-site']
  const from = headers.origin
  if (site === undefined) return from === origin
  return site === 'same-origin' && (from === undefined || from === 'null' || from === origin)
}

/** The parts of a request that are known before its body. */
export interface RequestHead {
  readonly method?: string | undefined
  readonly headers: IncomingHttpHeaders
}

/**
 * Whether a request opens a connection that carries further messages, as a WebSocket does. It does so with
 * `Upgrade` (RFC 9110 section 7.8), or with HTTP/2's extended `CONNECT` (RFC 8441). A gateway may add
 * `Upgrade: h2c` to any request, but a browser's navigation is never a handshake.
 */
export function isHandshake({ method, headers }: RequestHead): boolean {
  const isUpgrade = headers.upgrade !== undefined && headers['sec-fetch-mode'] !== 'navigate'
  return isUpgrade || method === 'CONNECT'
}

/**
 * Whether a request may change something. This is the only place where that is decided. A request with a safe
 * method (RFC 9110 section 9.2.1) may not. A handshake may, even though its method is `GET`.
 */
export function hasEffect(request: RequestHead): boolean {
  return !SAFE_METHODS.has(request.method ?? '') || isHandshake(request)
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY'])

/**
 * Whether a browser sent a request that may change something from a page outside `origin`. That
 * includes sibling hosts, which `SameSite` does not exclude. A request without any information
 * about its origin was not sent by a browser, and passes.
 */
export function isForeignAction(request: RequestHead, origin: string): boolean {
  if (!hasEffect(request)) return false
  const { headers } = request
  if (headers['sec-fetch-site'] === undefined && headers.origin === undefined) return false
  // Every browser sends the origin with a handshake, and has no reason to hide it.
  if (isHandshake(request) && headers.origin !== undefined && headers.origin !== origin) return true
  return !isOwnRequest(headers, origin)
}

/** Whether a host name (without port) can only mean this machine. */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname === '[::1]' ||
    hostname === '::1' ||
    /^127(\.\d{1,3}){3}$/.test(hostname)
  )
}

/**
 * Whether the browser seems to use a different loopback name than the origin, such as 127.0.0.1 instead of localhost.
 */
export function isOtherLoopbackName(
  headers: IncomingHttpHeaders,
  { hostname, origin }: Site,
): boolean {
  // HTTP/2 sends `:authority` instead.
  const host = headers.host ?? headers[':authority']
  if (!isLoopback(hostname) || !URL.canParse(`http://${host}`)) return false
  // A proxy that rewrites Host, as Vite's can, hides the browser's address.
  if (headers.referer?.startsWith(`${origin}/`)) return false
  const asked = new URL(`http://${host}`).hostname
  return isLoopback(asked) && asked !== hostname
}

/** Warns about a proxy that changes `Host`: the browser was redirected to `origin`, but still seems to be elsewhere. */
export function warnOfRewrittenHost(request: FastifyRequest, origin: string): void {
  request.log.warn(
    withReference(
      `Latchkey: a proxy in front of this server changes the \`Host\` header, so the browser's address differs from \`origin\`, ${origin}. Pass \`Host\` on: \`proxy_set_header Host $http_host;\` in nginx, \`changeOrigin: false\` in Vite.`,
      'host_rewritten',
    ),
  )
}

/**
 * Warns about the most common mistake with a front end that has its own server, such as Vite's: the browser
 * uses that server's port, but `origin` contains ours. Users would end up on the wrong page, and sign-outs
 * would be rejected.
 */
export function warnOfOtherOrigin(request: FastifyRequest, origin: string): void {
  const from = request.headers.origin ?? request.headers.referer ?? ''
  const page = URL.canParse(from) ? new URL(from) : null
  if (page === null || page.origin === origin || !isLoopback(page.hostname)) return
  request.log.warn(
    withReference(
      `Latchkey: a request came from a page at ${page.origin}, but \`origin\` is ${origin}. If that page is your application, for example behind Vite's proxy, set \`origin: '${page.origin}'\`.`,
      'origin_mismatch',
    ),
  )
}
