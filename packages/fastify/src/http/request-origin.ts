import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { withReference } from './codes.ts'
import type { Site } from './site.ts'

/** What to do with a request for a start route. */
export type StartVerdict = 'start' | 'ask-first' | 'refuse-prefetch' | 'refuse-embedding'

/**
 * Whether a start was asked for by a click on a page of ours.
 *
 * The order matters: browsers send `Sec-Fetch-Site: none` with speculative loads, so a prefetch has to
 * be recognised first. https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Purpose
 */
export function judgeStart(headers: IncomingHttpHeaders): StartVerdict {
  const isSpeculative = PURPOSE_HEADERS.some((name) => SPECULATION.test(String(headers[name])))
  if (isSpeculative) return 'refuse-prefetch'
  const destination = headers['sec-fetch-dest']
  if (destination !== undefined && destination !== 'document') return 'refuse-embedding'
  const site = headers['sec-fetch-site']
  if (site === undefined || site === 'same-origin' || site === 'none') return 'start'
  // Another site's link may lead to our page, but the click that signs in must be made there.
  return 'ask-first'
}

/** `Sec-Purpose` of today's browsers, `Purpose` of older Chrome and Safari, and `X-Moz` of older Firefox. */
const PURPOSE_HEADERS = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz']

/** `preview` is older Safari's word. */
const SPECULATION = /prefetch|prerender|preview/i

/**
 * Whether a request that changes something comes from a page of `origin`: the defence against
 * cross-site request forgery. A request that says nothing of where it comes from is refused.
 */
export function isOwnRequest(headers: IncomingHttpHeaders, origin: string): boolean {
  const site = headers['sec-fetch-site']
  const from = headers.origin
  if (site === undefined) return from === origin
  return site === 'same-origin' && (from === undefined || from === 'null' || from === origin)
}

/** What is known of a request before its body. */
export interface RequestHead {
  readonly method?: string | undefined
  readonly headers: IncomingHttpHeaders
}

/**
 * Whether a request opens a connection on which more will be said, as a WebSocket does: an `Upgrade`
 * (RFC 9110 section 7.8), or HTTP/2's extended `CONNECT` (RFC 8441). A gateway may add `Upgrade: h2c` to
 * any request; a browser's navigation is none of these.
 */
export function isHandshake({ method, headers }: RequestHead): boolean {
  const isUpgrade = headers.upgrade !== undefined && headers['sec-fetch-mode'] !== 'navigate'
  return isUpgrade || method === 'CONNECT'
}

/**
 * Whether a request may change something. The one place that decides this. A method that is safe by
 * RFC 9110 section 9.2.1 may not, but a handshake may, whose method is `GET`.
 */
export function hasEffect(request: RequestHead): boolean {
  return !SAFE_METHODS.has(request.method ?? '') || isHandshake(request)
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY'])

/**
 * Whether a browser sends a request that may change something from a page that is not of `origin`, even
 * from a sibling host, to which `SameSite` means nothing. A request that says nothing about where it comes
 * from was not sent by a browser, and passes.
 */
export function isForeignAction(request: RequestHead, origin: string): boolean {
  if (!hasEffect(request)) return false
  const { headers } = request
  if (headers['sec-fetch-site'] === undefined && headers.origin === undefined) return false
  // A handshake has an origin in every browser, and no reason to hide it.
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

/** Whether the browser seems to be on 127.0.0.1, say, while the origin is localhost. */
export function isOtherLoopbackName(
  headers: IncomingHttpHeaders,
  { hostname, origin }: Site,
): boolean {
  // HTTP/2 sends `:authority` instead.
  const host = headers.host ?? headers[':authority']
  if (!isLoopback(hostname) || !URL.canParse(`http://${host}`)) return false
  // A proxy that rewrites Host, as Vite's can, is not the browser's address.
  if (headers.referer?.startsWith(`${origin}/`)) return false
  const asked = new URL(`http://${host}`).hostname
  return isLoopback(asked) && asked !== hostname
}

/** Warns of a proxy that changes `Host`: the browser was sent to `origin`, and still seems to be elsewhere. */
export function warnOfRewrittenHost(request: FastifyRequest, origin: string): void {
  request.log.warn(
    withReference(
      `Latchkey: a proxy in front of this server changes the \`Host\` header, so the browser's address differs from \`origin\`, ${origin}. Pass \`Host\` on: \`proxy_set_header Host $http_host;\` in nginx, \`changeOrigin: false\` in Vite.`,
      'host_rewritten',
    ),
  )
}

/**
 * The commonest mistake of a front end with a server of its own, as Vite's: the browser is on its port,
 * and `origin` names ours. People would end on the wrong page, and sign-outs be refused.
 */
export function warnOfOtherOrigin(request: FastifyRequest, origin: string): void {
  const from = request.headers.origin ?? request.headers.referer ?? ''
  const page = URL.canParse(from) ? new URL(from) : null
  if (page === null || page.origin === origin || !isLoopback(page.hostname)) return
  request.log.warn(
    withReference(
      `Latchkey: a page of ${page.origin} asked, but \`origin\` is ${origin}. If that page is the application, as behind Vite's proxy, give Latchkey \`origin: '${page.origin}'\`.`,
      'origin_mismatch',
    ),
  )
}
