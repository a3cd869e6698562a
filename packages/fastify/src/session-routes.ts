import {
  routes as routePaths,
  type SessionBody,
  type SessionsBody,
  type SignOutScope,
} from '@latchkey/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { warnOfOtherOrigin } from './development.ts'
import { askStore, refuseCrossSite, sendError, sendJson, UnavailableError } from './errors.ts'
import type { Events } from './events.ts'
import type { Settings } from './options.ts'
import { isForm } from './request-body.ts'
import { isOwnRequest } from './request-origin.ts'
import { withQuery, withReturnTo } from './return-to.ts'
import { type Auth, listedSession, type Sessions } from './session.ts'
import type { StoreQueries } from './store.ts'

export interface SessionRoutesOptions {
  readonly settings: Settings
  readonly sessions: Sessions
  readonly events: Events
  /** The untrusted `return_to` of a request, made safe. */
  readonly returnTo: (untrusted: unknown) => string
}

/**
 * What people may know and end of their sessions: their own and nobody else's. What is ended here has
 * ended on this server when the answer is sent; a store that does not answer is no "signed out".
 */
export async function sessionRoutes(
  app: FastifyInstance,
  { settings, sessions, events, returnTo }: SessionRoutesOptions,
): Promise<void> {
  const { session: limits, signInPath, site, store } = settings

  app.get(routePaths.session, { exposeHeadRoute: false }, async (request, reply) => {
    const body: SessionBody = (await sessions.read(request)) ?? { user: null, session: null }
    return sendJson(reply, body)
  })

  app.get(routePaths.sessions, { exposeHeadRoute: false }, async (request, reply) => {
    const auth = await sessions.readStored(request)
    if (auth === null) return sendError(reply, 401, 'unauthenticated')
    const stored = await askStore(request.log, () =>
      store.listSessions(auth.user.id, { limit: limits.maxPerUser }),
    )
    const open = stored.filter(sessions.isOpen).map((session) => {
      return { ...listedSession(session), current: session.id === auth.session.id }
    })
    return sendJson(reply, { sessions: open } satisfies SessionsBody)
  })

  async function ownPagesOnly(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (isOwnRequest(request.headers, site.origin)) return
    if (settings.development) warnOfOtherOrigin(request, site.origin)
    await refuseCrossSite(request, reply)
  }

  /** Ends sessions so that they stay ended, whatever becomes of this server. */
  function end<T>(
    request: FastifyRequest,
    work: (queries: StoreQueries) => Promise<T>,
  ): Promise<T> {
    return askStore(request.log, () => store.transaction('power-loss', work))
  }

  app.delete<{ Params: { id: string } }>(
    routePaths.oneSession(':id'),
    { onRequest: ownPagesOnly },
    async (request, reply) => {
      const auth = await sessions.readStored(request)
      if (auth === null) return sendError(reply, 401, 'unauthenticated')
      const { id: sessionId } = request.params
      const userId = auth.user.id
      const wasOwn = await end(request, async (queries) => {
        const found = await queries.findSession(sessionId)
        if (found === null || found.user.id !== userId) return false
        await queries.deleteSession(sessionId)
        return true
      })
      if (!wasOwn) {
        // Somebody else's is answered like none at all, and leaves a line.
        const line = { event: 'request-refused', code: 'not_found', userId }
        request.log.info(line, 'request refused')
        return sendError(reply, 404, 'not_found')
      }
      request.log.info({ event: 'session-revoked', userId, sessionId }, 'session revoked')
      events.emit('session-revoked', { userId, sessionId })
      if (sessionId === auth.session.id) site.cookies.clear(reply, site.cookies.session)
      return reply.code(204).send()
    },
  )

  app.post(routePaths.signOut, { onRequest: ownPagesOnly }, async (request, reply) => {
    const { scope = 'local', return_to } = request.body as Record<string, unknown>
    if (!isSignOutScope(scope)) return sendError(reply, 400, 'invalid_request')
    const target = returnTo(return_to)
    try {
      await signOut(request, reply, scope)
    } catch (error) {
      // The cookie stays, so that it can be tried again. A form has a page for an answer.
      if (!(error instanceof UnavailableError && isForm(request))) throw error
      const page = withQuery(withReturnTo(signInPath, target), { auth_error: 'unavailable' })
      return reply.redirect(page, 303)
    }
    return isForm(request) ? reply.redirect(target, 303) : reply.code(204).send()
  })

  async function signOut(
    request: FastifyRequest,
    reply: FastifyReply,
    scope: SignOutScope,
  ): Promise<void> {
    const auth = await sessions.readStored(request)
    if (auth !== null) await endSessions(request, reply, scope, auth)
    if (scope !== 'others') site.cookies.clear(reply, site.cookies.session)
  }

  async function endSessions(
    request: FastifyRequest,
    reply: FastifyReply,
    scope: SignOutScope,
    { user, session }: Auth,
  ): Promise<void> {
    const { secretHash, token } = sessions.rotate(session.id)
    await end(request, async (queries) => {
      if (scope === 'local') return queries.deleteSession(session.id)
      if (scope === 'global') return queries.deleteSessionsOf(user.id)
      await queries.deleteSessionsOf(user.id, session.id)
      // Who fears that others hold their cookies may mean this one too.
      await queries.rotateSession(session.id, secretHash)
    })
    if (scope === 'others') sessions.setCookie(reply, session, token)
    request.log.info({ event: 'sign-out', userId: user.id, scope }, 'signed out')
    events.emit('sign-out', { userId: user.id, sessionId: session.id, scope })
  }
}

function isSignOutScope(scope: unknown): scope is SignOutScope {
  return scope === 'local' || scope === 'others' || scope === 'global'
}
