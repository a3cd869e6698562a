import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type ResponseCode, withReference } from './codes.ts'
import { SAFE_HEADERS, sendError } from './errors.ts'

/** Adds safe headers to every response in a context, and the contract's body to every error. */
export function answerSafely(app: FastifyInstance): void {
  app.addHook('onRequest', async function latchkeyHeaders(_request, reply) {
    reply.headers(SAFE_HEADERS)
  })
  app.setErrorHandler(async (error, request, reply) => answerError(error, request, reply))
}

/** Responds with 404 to every unknown path in a context. */
export function answerUnknownPaths(app: FastifyInstance): void {
  // Takes precedence over a wildcard route of the application, whose response might be a page or contain a
  // callback's query.
  app.all('/*', async (_request, reply) => sendError(reply, 'not_found'))
  // `all()` leaves out the methods that Fastify does not know.
  app.setNotFoundHandler(async (_request, reply) => sendError(reply, 'not_found'))
}

const CODES: Readonly<Record<number, ResponseCode>> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  429: 'too_many_requests',
  503: 'unavailable',
}

/**
 * Keeps the error's status, because the error may come from one of the application's hooks, such as a rate limit.
 */
function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { statusCode: status = 500 } = error as { statusCode?: number }
  const code = CODES[status] ?? (status >= 400 && status < 500 ? 'invalid_request' : undefined)
  if (code !== undefined) return sendError(reply, code, status)
  request.log.error(
    { err: error },
    withReference('a request to Latchkey failed unexpectedly', 'server_error'),
  )
  return sendError(reply, 'server_error')
}
