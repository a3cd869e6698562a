import type { FastifyReply, FastifyRequest } from 'fastify'
import { isOtherLoopbackName, warnOfRewrittenHost } from '../http/request-origin.ts'
import { withQuery } from '../http/return-to.ts'
import type { Settings } from '../settings.ts'
import { single } from './query.ts'

/** Marks a request that was redirected to `origin`, because a proxy may make it look the same again. */
const AT_ORIGIN = 'at_origin'

/**
 * Redirects a browser that is on another name of this machine, such as 127.0.0.1, to `path` at `origin`, in
 * development. The callback will come to `origin`, and a cookie that is set elsewhere would not be sent there.
 * Redirects once, and warns if the browser still seems to be elsewhere.
 *
 * @returns the reply, or `null` for a request to answer
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
