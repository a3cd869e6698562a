import { routes, type SessionBody, type SessionsBody } from '@latchkey/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { askStore, sendError, sendJson } from '../http/errors.ts'
import { refuseOtherSites } from '../http/own-requests.ts'
import type { Settings } from '../settings.ts'
import type { Auth } from './auth.ts'
import { endOnBehalf, type OwnEndings } from './ending.ts'
import type { Sessions } from './session.ts'
import { isSessionId } from './session-token.ts'
import { type SignOutOptions, signOut } from './sign-out.ts'

export type SessionRoutesOptions = SignOutOptions

/** The maximum number of sessions in a list. `maxPerUser` cannot exceed it. */
const MOST_LISTED = 1000

/**
 * The routes that people use to list and end their own sessions, and no one else's. By the time the response
 * is sent, the session has ended on this server. If the store does not respond, the response is an error.
 */
export async function sessionRoutes(
  app: FastifyInstance,
  options: SessionRoutesOptions,
): Promise<void> {
  const { settings, sessions } = options
  const onRequest = refuseOtherSites(settings)
  const reading = { exposeHeadRoute: false }

  app.get(routes.session, reading, async (request, reply) => {
    const body: SessionBody = (await sessions.read(request)) ?? { user: null, session: null }
    return sendJson(reply, body)
  })
  app.get(routes.sessions, reading, async (request, reply) => {
    const auth = await sessions.readStored(request)
    if (auth === null) return sendError(reply, 'unauthenticated')
    const body: SessionsBody = { sessions: await listSessions(options, request, auth) }
    return sendJson(reply, body)
  })
  app.delete<SessionRoute>(routes.oneSession(':id'), { onRequest }, async (request, reply) =>
    revoke(options, request, reply),
  )
  app.post(routes.signOut, { onRequest }, async (request, reply) =>
    signOut(options, request, reply),
  )
}

interface SessionRoute {
  Params: { id: string }
}

async function listSessions(
  { settings, sessions }: { settings: Settings; sessions: Sessions },
  request: FastifyRequest,
  { user, session: current }: Auth,
): Promise<SessionsBody['sessions']> {
  const stored = await askStore(request.log, () =>
    settings.store.listSessions(user.id, { limit: MOST_LISTED }),
  )
  return stored
    .filter(sessions.isOpen)
    .map((session) => ({ ...sessions.listed(session), current: session.id === current.id }))
}

/** Ends one of the person's sessions, which may be the current one. */
async function revoke(
  options: OwnEndings,
  request: FastifyRequest<SessionRoute>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { sessions, events } = options
  const { cookies } = options.settings.site
  const auth = await sessions.readStored(request)
  if (auth === null) return sendError(reply, 'unauthenticated')
  const { id: sessionId } = request.params
  const userId = auth.user.id
  const wasOwn = await endOnBehalf(options, request, auth, async (queries) => {
    const found = isSessionId(sessionId) ? await queries.findSession(sessionId) : null
    if (found?.user.id !== userId) return false
    await queries.deleteSession(sessionId, { reason: 'revoked', actor: userId })
    return true
  })
  if (wasOwn === null) return sendError(reply, 'unauthenticated')
  if (!wasOwn) {
    // The response for another person's session is the same as for an unknown one, but the attempt is logged.
    const line = { event: 'request-refused', code: 'not_found', userId }
    request.log.info(line, 'request refused')
    return sendError(reply, 'not_found')
  }
  request.log.info({ event: 'session-revoked', userId, sessionId }, 'session revoked')
  events.emit('session-revoked', { userId, sessionId })
  if (sessionId === auth.session.id) cookies.clear(reply, cookies.session)
  return reply.code(204).send()
}
