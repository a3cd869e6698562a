import type { FastifyReply, FastifyRequest } from 'fastify'
import { isOtherLoopbackName, warnOfRewrittenHost } from '../http/request-origin.ts'
import { withQuery } from '../http/return-to.ts'
import type { Settings } from '../settings.ts'
import { single } from './query.ts'

/** Marks a request that was already redirected to `origin`, so that it is not redirected again if a proxy rewrites `Host`. */
const AT_ORIGIN = 'at_origin'

/**
 * In development, redirects a browser from another loopback name, such as 127.0.0.1, to `path` at `origin`. The
 * provider redirects back to `origin`, where the browser would not send a flow cookie that was set on another host name.
 * Redirects once. If the host name still differs afterwards, logs a warning.
 *
 * @returns the reply, or `null` if the request needs no redirect
 */
export function redirectToOrigin(
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  { development, site }: Pick<Settings, 'development' | 'site'>,
  path: string,
): FastifyReply | null {
  if (!development || !isOtherLoopbackName(request.headers, site)) return null
  if (single(request, AT_ORIGIN) !== null) {
    warnOfRewrittenHost(request, site.origin)
    return null
  }
  return reply.redirect(site.origin + withQuery(path, { [AT_ORIGIN]: '1' }), 303)
}
