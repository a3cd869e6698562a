import {
  type ErrorCode,
  routes as routePaths,
  type SessionBody,
  type SessionsBody,
  type SignOutScope,
} from '@latchkey/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { askStore, refuseCrossSite, sendError, sendJson, UnavailableError } from '../http/errors.ts'
import { isForm } from '../http/request-body.ts'
import { isOwnRequest, warnOfOtherOrigin } from '../http/request-origin.ts'
import { withQuery, withReturnTo } from '../http/return-to.ts'
import type { LatchkeyEventSource, Settings } from '../settings.ts'
import type { Ending, StoreQueries } from '../store/store.ts'
import type { Auth } from './auth.ts'
import type { Sessions } from './session.ts'
import { isSessionId } from './session-token.ts'

export interface SessionRoutesOptions {
  readonly settings: Settings
  readonly sessions: Sessions
  readonly events: LatchkeyEventSource
  /** The untrusted `return_to` of a request, made safe. */
  readonly returnTo: (untrusted: unknown) => string
}

/** More sessions than anybody has, also where there might once be more than today. */
const MOST_LISTED = 1000

/**
 * What people may know and end of their sessions: their own and nobody else's. What is ended here has
 * ended on this server when the answer is sent; a store that does not answer is no "signed out".
 */
export async function sessionRoutes(
  app: FastifyInstance,
  { settings, sessions, events, returnTo }: SessionRoutesOptions,
): Promise<void> {
  const { signInPath, site, store } = settings

  app.get(routePaths.session, { exposeHeadRoute: false }, async (request, reply) => {
    const body: SessionBody = (await sessions.read(request)) ?? { user: null, session: null }
    return sendJson(reply, body)
  })

  app.get(routePaths.sessions, { exposeHeadRoute: false }, async (request, reply) => {
    const auth = await sessions.readStored(request)
    if (auth === null) return sendError(reply, 401, 'unauthenticated')
    const stored = await askStore(request.log, () =>
      store.listSessions(auth.user.id, { limit: MOST_LISTED }),
    )
    const open = stored.filter(sessions.isOpen).map((session) => {
      return { ...sessions.listed(session), current: session.id === auth.session.id }
    })
    return sendJson(reply, { sessions: open } satisfies SessionsBody)
  })

  /** Which leads back to the target, but not to itself. */
  function signInPage(target: string): string {
    return target === signInPath ? signInPath : withReturnTo(signInPath, target)
  }

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

  /**
   * Does so in the name of a session, of which it is asked again where nobody can end it meanwhile.
   * @returns `null`, with nothing done, if it has ended
   */
  function endAs<T>(
    { user }: Auth,
    request: FastifyRequest,
    work: (queries: StoreQueries) => Promise<T>,
  ): Promise<T | null> {
    return end(request, async (queries) => {
      // The user before any session, so that two that end each other do not deadlock.
      await queries.findUser(user.id)
      return (await sessions.readStored(request, queries)) === null ? null : work(queries)
    })
  }

  app.delete<{ Params: { id: string } }>(
    routePaths.oneSession(':id'),
    { onRequest: ownPagesOnly },
    async (request, reply) => {
      const auth = await sessions.readStored(request)
      if (auth === null) return sendError(reply, 401, 'unauthenticated')
      const { id: sessionId } = request.params
      const userId = auth.user.id
      const wasOwn = await endAs(auth, request, async (queries) => {
        const found = isSessionId(sessionId) ? await queries.findSession(sessionId) : null
        if (found?.user.id !== userId) return false
        await queries.deleteSession(sessionId, { reason: 'revoked', actor: userId })
        return true
      })
      if (wasOwn === null) return sendError(reply, 401, 'unauthenticated')
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
    // A form has a page for an answer.
    const refuse = (status: number, code: ErrorCode): FastifyReply =>
      isForm(request)
        ? reply.redirect(withQuery(signInPage(target), { auth_error: code }), 303)
        : sendError(reply, status, code)
    try {
      const done = await signOut(request, reply, scope)
      if (!done) return refuse(401, 'unauthenticated')
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error
      // The cookie stays, so that it can be tried again.
      return refuse(error.statusCode, 'unavailable')
    }
    return isForm(request) ? reply.redirect(target, 303) : reply.code(204).send()
  })

  /** @returns whether what was to end has ended; of a session that had already, nobody knows whose. */
  async function signOut(
    request: FastifyRequest,
    reply: FastifyReply,
    scope: SignOutScope,
  ): Promise<boolean> {
    const auth = await sessions.readStored(request)
    const ended = auth !== null && (await endSessions(request, reply, scope, auth))
    if (ended ? scope !== 'others' : scope === 'local') {
      site.cookies.clear(reply, site.cookies.session)
    }
    return ended || scope === 'local'
  }

  async function endSessions(
    request: FastifyRequest,
    reply: FastifyReply,
    scope: SignOutScope,
    auth: Auth,
  ): Promise<boolean> {
    const { user, session } = auth
    const ending: Ending = { reason: 'sign-out', actor: user.id }
    if (scope === 'local') {
      await end(request, (queries) => queries.deleteSession(session.id, ending))
    } else {
      const { secretHash, token } = sessions.rotate(session.id)
      const ended = await endAs(auth, request, async (queries) => {
        await queries.deleteSessionsOf(user.id, ending, scope === 'others' ? session.id : undefined)
        // Who fears that others hold their cookies may mean this one too.
        if (scope === 'others') await queries.rotateSession(session.id, secretHash)
        return true
      })
      if (ended === null) return false
      if (scope === 'others') sessions.setCookie(reply, session, token)
    }
    request.log.info({ event: 'sign-out', userId: user.id, scope }, 'signed out')
    events.emit('sign-out', { userId: user.id, sessionId: session.id, scope })
    return true
  }
}

function isSignOutScope(scope: unknown): scope is SignOutScope {
  return scope === 'local' || scope === 'others' || scope === 'global'
}
