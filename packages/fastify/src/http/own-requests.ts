import type { FastifyReply, FastifyRequest } from 'fastify'
import { refuseCrossSite } from './errors.ts'
import { isOwnRequest, warnOfOtherOrigin } from './request-origin.ts'
import type { Site } from './site.ts'

/** Returns a hook that rejects requests from other sites. */
export function refuseOtherSites({
  development,
  site,
}: {
  readonly development: boolean
  readonly site: Site
}): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  return async (request, reply) => {
    if (isOwnRequest(request.headers, site.origin)) return
    if (development) warnOfOtherOrigin(request, site.origin)
    await refuseCrossSite(request, reply)
  }
}
