import type { SignOutScope } from '@latchkey/contract'
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import type { ResponseCode } from '../http/codes.ts'
import { sendError, UnavailableError } from '../http/errors.ts'
import { isForm } from '../http/request-body.ts'
import { withQuery, withReturnTo } from '../http/return-to.ts'
import type { Settings } from '../settings.ts'
import type { Ending } from '../store/store.ts'
import type { Auth } from './auth.ts'
import { endLastingly, endOnBehalf, type OwnEndings } from './ending.ts'

export interface SignOutOptions extends OwnEndings {
  /** Makes the untrusted `return_to` of a request safe. */
  readonly returnTo: (untrusted: unknown, log?: FastifyBaseLogger) => string
}

/** Signs a person out in this browser, everywhere else or everywhere. A form submission gets a redirect to a page. */
export async function signOut(
  options: SignOutOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { scope = 'local', return_to } = request.body as Record<string, unknown>
  if (!isSignOutScope(scope)) return sendError(reply, 'invalid_request')
  const target = options.returnTo(return_to, request.log)
  const refuse = (code: ResponseCode): FastifyReply =>
    isForm(request)
      ? reply.redirect(withQuery(signInPage(options.settings, target), { auth_error: code }), 303)
      : sendError(reply, code)
  try {
    const done = await endByScope(options, request, reply, scope)
    if (!done) return refuse('unauthenticated')
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error
    // Keep the cookie, so that the person can try to sign out again.
    return refuse('unavailable')
  }
  return isForm(request) ? reply.redirect(target, 303) : reply.code(204).send()
}

function isSignOutScope(scope: unknown): scope is SignOutScope {
  return scope === 'local' || scope === 'others' || scope === 'global'
}

/** Returns the URL of the sign-in page, which leads back to the target, but never to itself. */
function signInPage({ signInPath }: Settings, target: string): string {
  return target === signInPath ? signInPath : withReturnTo(signInPath, target)
}

/**
 * Ends the sessions of a scope, and rotates or clears this session's cookie.
 * @returns whether they have ended. They have not if this session had already ended, because the owner of the
 *   others is then unknown.
 */
async function endByScope(
  options: SignOutOptions,
  request: FastifyRequest,
  reply: FastifyReply,
  scope: SignOutScope,
): Promise<boolean> {
  const { cookies } = options.settings.site
  const auth = await options.sessions.readStored(request)
  if (auth === null || !(await endSessions(options, request, reply, scope, auth))) {
    if (scope !== 'local') return false
    cookies.clear(reply, cookies.session)
    return true
  }
  const { user, session } = auth
  request.log.info({ event: 'sign-out', userId: user.id, scope }, 'signed out')
  options.events.emit('sign-out', { userId: user.id, sessionId: session.id, scope })
  if (scope !== 'others') cookies.clear(reply, cookies.session)
  return true
}

/** @returns `false`, with nothing done, if this session had already ended */
async function endSessions(
  options: SignOutOptions,
  request: FastifyRequest,
  reply: FastifyReply,
  scope: SignOutScope,
  auth: Auth,
): Promise<boolean> {
  const { user, session } = auth
  const ending: Ending = { reason: 'sign-out', actor: user.id }
  if (scope === 'others') return endOthers(options, request, reply, auth, ending)
  if (scope === 'local') {
    await endLastingly(options.settings, request, (queries) =>
      queries.deleteSession(session.id, ending),
    )
    return true
  }
  const ended = await endOnBehalf(options, request, auth, async (queries) => {
    await queries.deleteSessionsOf(user.id, ending)
    return true
  })
  return ended !== null
}

/**
 * Ends all sessions except this one, and rotates this session's secret, because someone may have a copy of
 * its cookie.
 */
async function endOthers(
  options: SignOutOptions,
  request: FastifyRequest,
  reply: FastifyReply,
  auth: Auth,
  ending: Ending,
): Promise<boolean> {
  const { user, session } = auth
  const { secretHash, token } = options.sessions.rotate(session.id)
  const ended = await endOnBehalf(options, request, auth, async (queries) => {
    await queries.deleteSessionsOf(user.id, ending, session.id)
    await queries.rotateSession(session.id, secretHash)
    return true
  })
  if (ended === null) return false
  options.sessions.setCookie(reply, session, token)
  return true
}
