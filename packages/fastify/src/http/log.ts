import type { FastifyInstance, FastifyRequest } from 'fastify'

/**
 * Removes the query from every URL that a context logs, because a callback's query contains its
 * code and state.
 */
export function keepQueriesOutOfTheLog(app: FastifyInstance): void {
  const req = (request: FastifyRequest): Record<string, unknown> => ({
    method: request.method,
    url: request.url.split('?', 1)[0],
    host: request.host,
    remoteAddress: request.ip,
    remotePort: request.socket.remotePort,
  })
  const outer = app.childLoggerFactory
  app.setChildLoggerFactory(function latchkeyLogger(logger, bindings, options, rawRequest) {
    const serializers = { ...options.serializers, req }
    return outer.call(this, logger, bindings, { ...options, serializers }, rawRequest)
  })
}

/**
 * Keeps the bytes of a malformed request out of the log. Fastify logs the error at level `trace`, and Node
 * attaches everything that it received to it, including cookies and the query of a callback.
 */
export function keepPacketsOutOfTheLog(app: FastifyInstance): void {
  app.server.prependListener('clientError', (error) => {
    Object.defineProperty(error, 'rawPacket', { enumerable: false })
  })
}
