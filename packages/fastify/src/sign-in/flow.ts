import { randomBytes, randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type ErrorCode, paths } from '@latchkey/contract'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { admit } from '../accounts/admission.ts'
import { type Connection, connectionOf } from '../http/connection.ts'
import { LAST_MAX_AGE } from '../http/cookies.ts'
import { askStore, FlowError, RETRY_AFTER, sendError, UnavailableError } from '../http/errors.ts'
import { isLoopback, judgeStart, warnOfOtherOrigin } from '../http/request-origin.ts'
import { withReturnTo } from '../http/return-to.ts'
import { sha256 } from '../http/seal.ts'
import type { Site } from '../http/site.ts'
import { type Deadline, startDeadline } from '../providers/deadline.ts'
import { LEFT } from '../providers/exchange-gate.ts'
import type { Profile } from '../providers/provider.ts'
import { errorWord, type ProviderClient } from '../providers/provider-client.ts'
import { deviceOf } from '../sessions/device.ts'
import { CLOCK_TOLERANCE, publicSession, publicUser, type Sessions } from '../sessions/session.ts'
import type { LatchkeyEventSource, Settings } from '../settings.ts'
import { ConflictError, type StoredSession, type StoredUser } from '../store/store.ts'
import { createFlowCookies, FLOW_LIFETIME, type Flow } from './flow-cookies.ts'
import { createFlowTargets, popupId } from './flow-targets.ts'
import { createSharedCallbacks, Dropped } from './shared-callback.ts'

// Every sign-in, from the click to its end. This room promises: a flow counts only in the browser that it
// began in, and once; whatever happens, the person ends on a page of the application, signed in or told why
// not; and nothing that the provider or a link said is repeated unchecked.

export interface Flows {
  /** Begins a flow, if a click on a page of ours asked for one. */
  start(request: FastifyRequest, reply: FastifyReply, client: ProviderClient): FastifyReply
  /**
   * Ends a flow: with a session, or back where it began with `?auth_error=<code>`. Several callbacks of
   * one flow end alike: those that arrive while one is in progress wait for its outcome.
   *
   * If the browser disconnects before the token request, the callback is dropped and the flow can still
   * be used. Once the token request has begun, the callback runs to its end: the code is used up, and a
   * session that nobody holds expires like any other.
   */
  finish(
    request: FastifyRequest,
    reply: FastifyReply,
    client: ProviderClient,
  ): Promise<FastifyReply>
  /** The untrusted `return_to` of a request, made safe. */
  returnTo(untrusted: unknown): string
  /** The untrusted name of a popup, or `null` if it is none. */
  popupId(untrusted: unknown): string | null
}

/** A browser that has come back from the provider, and its flow. */
interface Callback {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly client: ProviderClient
  readonly flow: Flow
  readonly deadline: Deadline
  readonly connection: Connection
  /** Whether the flow has been used up. */
  flowUsed: boolean
}

type Outcome = SignedIn | Failure

/** A stored session, and what its cookies say. */
interface SignedIn {
  readonly session: StoredSession
  readonly token: string
  readonly provider: string
}

interface Failure {
  readonly error: unknown
  readonly flowUsed: boolean
}

/** How often a callback clears away what has expired, in milliseconds, and the most rows of a kind. */
const SWEEP_INTERVAL = 60 * 1000
const SWEEP_LIMIT = 1000

export function createFlows(
  settings: Settings,
  sessions: Sessions,
  events: LatchkeyEventSource,
): Flows {
  const { basePath, clock, signInPath, site, store } = settings
  const targets = createFlowTargets(settings)
  const flowCookies = createFlowCookies(settings)
  const callbacks = createSharedCallbacks<Outcome>()
  let sweepAt = 0

  function start(
    request: FastifyRequest,
    reply: FastifyReply,
    client: ProviderClient,
  ): FastifyReply {
    const verdict = judgeStart(request.headers)
    if (verdict === 'refuse-prefetch') return sendError(reply, 503, 'prefetch_refused')
    if (verdict === 'refuse-embedding') return sendError(reply, 403, 'forbidden')
    if (settings.development) warnOfOtherOrigin(request, site.origin)
    const target = targets.returnTo(single(request, 'return_to'))
    if (settings.development && isOtherLoopbackName(request, site)) {
      // The callback will come to `origin`, and a cookie set here would not be sent there.
      const path = withReturnTo(paths(basePath).start(client.provider.id), target)
      return reply.redirect(site.origin + path, 303)
    }
    if (verdict === 'ask-first') return reply.redirect(withReturnTo(signInPath, target), 303)

    const popup = popupId(single(request, 'popup'))
    const began = targets.began(request.headers.referer)
    const hints = hintsOf(request)
    const flow = newFlow(client, {
      returnTo: target,
      began,
      ...(popup !== null && { popup }),
      ...(Object.keys(hints).length > 0 && { hinted: true }),
    })
    return begin(request, reply, client, { flow, hints })
  }

  function newFlow(
    { provider }: ProviderClient,
    kept: Pick<Flow, 'returnTo' | 'began' | 'popup' | 'restarted' | 'hinted'>,
  ): Flow {
    return {
      ...kept,
      provider: provider.id,
      state: randomBytes(32).toString('base64url'),
      codeVerifier: randomBytes(32).toString('base64url'),
      redirectUri: settings.callbackUrl(provider.id),
      expiresAt: clock() + FLOW_LIFETIME,
    }
  }

  /** Stores a new flow in the browser and sends the browser to the provider. */
  function begin(
    request: FastifyRequest,
    reply: FastifyReply,
    client: ProviderClient,
    { flow, hints, replaced }: { flow: Flow; hints: Record<string, string>; replaced?: string },
  ): FastifyReply {
    flowCookies.put(request, reply, flow, replaced)
    const { redirectUri, state } = flow
    const codeChallenge = sha256(flow.codeVerifier)
    return goOn(reply, client.authorizeUrl({ redirectUri, state, codeChallenge, hints }))
  }

  async function finish(
    request: FastifyRequest,
    reply: FastifyReply,
    client: ProviderClient,
  ): Promise<FastifyReply> {
    // Fastify has read the query. What it and others write of this request from here on, such as a
    // warning of an answer that came too late, quotes the URL.
    request.raw.url = request.raw.url?.split('?', 1)[0]
    const state = single(request, 'state')
    const flow = flowCookies.find(request, state)
    if (flow === null) {
      flowCookies.clear(request, reply, state)
      const error = new FlowError('flow_missing', 'this browser has no such flow')
      return fail(request, reply, client, null, { error, flowUsed: false, isOwn: true })
    }
    const deadline = startDeadline(settings.providerTimeout)
    try {
      const connection = connectionOf(request, reply)
      return await share({ request, reply, client, flow, deadline, connection, flowUsed: false })
    } finally {
      deadline.done()
    }
  }

  /** Ends a callback with its own outcome, or with the outcome of another callback of its flow. */
  async function share(callback: Callback): Promise<FastifyReply> {
    const { request, reply, client, flow } = callback
    // With the provider, so that a response of another one does not get this outcome.
    const key = `${client.provider.id} ${flow.state}`
    const shared = await callbacks.share(key, (before) => attempt(callback, before))
    if (shared === null) {
      const error = new FlowError('unavailable', 'too many callbacks of one flow are waiting')
      return fail(request, reply, client, flow, { error, flowUsed: false, isOwn: true })
    }
    const { outcome, isOwn } = shared
    // The browser has gone, so nobody reads this.
    if (outcome instanceof Dropped) return goOn(reply, signInPath)
    if ('error' in outcome) return fail(request, reply, client, flow, { ...outcome, isOwn })
    flowCookies.clear(request, reply, flow.state)
    setCookies(reply, outcome)
    return goOn(reply, targets.afterSuccess(flow))
  }

  /** Takes a callback from the provider's answer to a session. Never rejects. */
  async function attempt(callback: Callback, before: Dropped | null): Promise<Outcome | Dropped> {
    callback.flowUsed = before?.flowUsed ?? false
    try {
      const profile = await redeem(callback)
      return await signIn(callback.request, callback.client, profile)
    } catch (error) {
      const { flowUsed } = callback
      return error === LEFT ? new Dropped(flowUsed) : { error, flowUsed }
    }
  }

  async function redeem(callback: Callback): Promise<Profile> {
    const { request, client, flow, deadline, connection } = callback
    const refusal = refusalOf(request)
    const code = single(request, 'code')
    const isRedeemable = refusal === null && code !== null && whyUnfit(flow, client) === null
    if (!isRedeemable) {
      await useOnce(callback)
      throw refusal ?? new FlowError('provider_bad_answer', 'the answer has no code')
    }

    // Fastify has no address for a socket that is already closed.
    const place = client.gate.enter(String(request.ip))
    const stop = connection.onGone(place.leave)
    try {
      await deadline.cut(place.granted)
      stop()
      if (connection.isGone()) throw LEFT
      await useOnce(callback)
      if (connection.isGone()) throw LEFT
      const { codeVerifier, redirectUri } = flow
      return await deadline.cut(client.redeem({ code, redirectUri, codeVerifier }, deadline))
    } finally {
      stop()
      place.leave()
    }
  }

  /** Uses the flow up, whatever comes of it. Of many callbacks at once, one gets past this. */
  async function useOnce(callback: Callback): Promise<void> {
    const { request, client, flow } = callback
    if (!callback.flowUsed) {
      // Set before the call, because a store that does not answer may have stored it.
      callback.flowUsed = true
      const first = await askStore(request.log, async () => {
        await sweep()
        return store.useFlow(sha256(flow.state), flow.expiresAt)
      })
      if (!first) throw new FlowError('flow_used', 'the flow has been used')
    }
    const unfit = whyUnfit(flow, client)
    if (unfit !== null) throw unfit
  }

  function whyUnfit(flow: Flow, client: ProviderClient): FlowError | null {
    // The answer of one provider must never be taken for another's (RFC 9700 section 4.4).
    if (flow.provider !== client.provider.id) {
      return new FlowError('flow_missing', 'the flow belongs to another provider')
    }
    const left = flow.expiresAt - clock()
    // Also one that a clock far ahead has sealed.
    if (left > 0 && left <= FLOW_LIFETIME + CLOCK_TOLERANCE) return null
    return new FlowError('flow_expired', 'the flow has expired')
  }

  /** Clears away what has expired: after a minute at the earliest, but at once what was left over. */
  async function sweep(): Promise<void> {
    const now = clock()
    // Also after a clock that was far ahead has been put right.
    if (now < sweepAt && sweepAt - now <= SWEEP_INTERVAL) return
    sweepAt = now + SWEEP_INTERVAL
    const { idleTimeout } = settings.session
    // What is over only by a clock that is ahead is not over for others.
    const over = now - CLOCK_TOLERANCE
    const swept = await store.deleteExpired(over, over - idleTimeout, SWEEP_LIMIT)
    sessions.reportEnds(
      swept.sessions.map(({ id, userId }) => ({ sessionId: id, userId, reason: 'expired' })),
    )
    if (swept.more) sweepAt = now
  }

  /** Admits the person, and stores the session before its cookie is set. All or nothing. */
  async function signIn(
    request: FastifyRequest,
    client: ProviderClient,
    profile: Profile,
  ): Promise<SignedIn> {
    const { id: provider } = client.provider
    const previous = await sessions.read(request)
    const device = deviceOf(request.headers['user-agent'])
    const { user, session, token, newUser } = await askStore(request.log, () =>
      store.transaction('process', async (queries) => {
        const now = clock()
        const identity = await queries.findIdentity(provider, profile.subject)
        const known = identity && (await queries.findUser(identity.userId))
        if (identity !== null && known === null) throw new Error('an identity without a user')
        const admission = admit(profile, known)
        if (admission.as === 'nobody') throw new FlowError(admission.code, 'not admitted')

        const { attributes, subject } = profile
        let user: StoredUser
        if (identity !== null && admission.as === 'known-user') {
          user = { ...admission.user, ...contactOf(profile) }
          if (!isDeepStrictEqual(user, admission.user)) await queries.updateUser(user)
          await queries.updateIdentity({ ...identity, attributes, lastUsedAt: now })
        } else {
          user = { id: randomUUID(), ...contactOf(profile), createdAt: now, bannedAt: null }
          await queries.insertUser(user)
          const fresh = { id: randomUUID(), userId: user.id, provider, subject, attributes }
          const identityRow = { ...fresh, createdAt: now, lastUsedAt: now }
          if (!(await queries.insertIdentity(identityRow))) {
            throw new ConflictError('the same person signs up at the same time')
          }
        }

        // A new session each time, and the browser's old one ends: nothing planted before survives.
        const replaced = { reason: 'replaced', actor: user.id } as const
        if (previous !== null) await queries.deleteSession(previous.session.id, replaced)
        const issued = sessions.issue({ userId: user.id, provider, device })
        await sessions.insert(queries, issued.session)
        return { user, ...issued, newUser: identity === null }
      }),
    )

    request.log.info({ event: 'sign-in', provider, userId: user.id, newUser }, 'signed in')
    events.emit('sign-in', {
      user: publicUser(user),
      session: publicSession(session),
      profile,
      newUser,
    })
    return { session, token, provider }
  }

  function setCookies(reply: FastifyReply, { session, token, provider }: SignedIn): void {
    sessions.setCookie(reply, session, token)
    site.cookies.set(reply, site.cookies.last, provider, LAST_MAX_AGE)
  }

  async function fail(
    request: FastifyRequest,
    reply: FastifyReply,
    client: ProviderClient,
    flow: Flow | null,
    { error, flowUsed, isOwn }: Failure & { readonly isOwn: boolean },
  ): Promise<FastifyReply> {
    const { id: provider } = client.provider
    const code = codeOf(error)
    // An unused flow keeps its cookie, so that a reload works.
    if (flow !== null && flowUsed) flowCookies.clear(request, reply, flow.state)
    if (code === 'flow_missing' || code === 'flow_used') {
      // A reload, a Back and a second consent end here after the first one has worked.
      const auth = await sessions.readOrNull(request)
      if (auth !== null) {
        request.log.info({ event: 'sign-in-ignored', provider, code }, 'signed in already')
        return goOn(reply, targets.afterSuccess(flow))
      }
    }
    if (code === 'flow_used' && flow !== null && mayRestart(request, client, flow)) {
      return restart(request, reply, client, flow)
    }
    if (isOwn) report(request, provider, code, error)
    if (code === 'unavailable' && !flowUsed) reply.header('retry-after', RETRY_AFTER)
    return goOn(reply, targets.afterFailure(flow, code))
  }

  /** Whether a flow that is used up may start over without a click. */
  function mayRestart(request: FastifyRequest, client: ProviderClient, flow: Flow): boolean {
    const agreed = single(request, 'code') !== null && refusalOf(request) === null
    const isPlain = flow.restarted !== true && flow.hinted !== true
    return agreed && isPlain && whyUnfit(flow, client) === null
  }

  /** Starts over a flow whose outcome this browser never got. */
  function restart(
    request: FastifyRequest,
    reply: FastifyReply,
    client: ProviderClient,
    { state, ...old }: Flow,
  ): FastifyReply {
    const popup = popupId(old.popup)
    const flow = newFlow(client, {
      returnTo: targets.returnTo(old.returnTo),
      began: targets.began(old.began),
      ...(popup !== null && { popup }),
      restarted: true,
    })
    const line = { event: 'sign-in-restarted', provider: client.provider.id }
    request.log.info(line, 'sign-in restarted')
    return begin(request, reply, client, { flow, hints: {}, replaced: state })
  }

  function report(
    request: FastifyRequest,
    provider: string,
    code: ErrorCode,
    error: unknown,
  ): void {
    const { message: reason = 'unknown', stack }: Partial<Error> =
      error instanceof Error ? error : {}
    const unexpected = code === 'server_error'
    const level = unexpected ? 'error' : code.startsWith('provider_') ? 'warn' : 'info'
    // Never the error itself: an HTTP client's holds the request with its headers.
    const line = { event: 'sign-in-failed', provider, code, reason, ...(unexpected && { stack }) }
    request.log[level](line, 'sign-in failed')
    events.emit('sign-in-failed', { provider, code })
  }

  return { start, finish, returnTo: targets.returnTo, popupId }
}

/**
 * Ends a callback, unless something else has, such as a `handlerTimeout`: a request has one answer.
 */
function goOn(reply: FastifyReply, path: string): FastifyReply {
  return reply.sent ? reply : reply.redirect(path, 303)
}

/** A query parameter that was given exactly once and is not empty, or `null`. */
function single(request: FastifyRequest, name: string): string | null {
  const value = (request.query as Record<string, unknown>)[name]
  return typeof value === 'string' && value !== '' ? value : null
}

/** https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest; Bitbucket takes no notice. */
function hintsOf(request: FastifyRequest): Record<string, string> {
  const hints: Record<string, string> = {}
  const loginHint = single(request, 'login_hint')
  if (loginHint !== null && loginHint.length <= 320) hints.login_hint = loginHint
  const prompt = single(request, 'prompt')
  if (prompt !== null && /^(none|login|consent|select_account)$/.test(prompt)) hints.prompt = prompt
  return hints
}

/** https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1; the provider's own texts go nowhere. */
function refusalOf(request: FastifyRequest): FlowError | null {
  const error = (request.query as Record<string, unknown>).error
  if (error === undefined) return null
  if (error === 'access_denied') return new FlowError('access_denied', 'the person cancelled')
  if (error === 'server_error' || error === 'temporarily_unavailable') {
    return new FlowError('provider_unavailable', `the provider answered ${error}`)
  }
  return new FlowError('provider_refused', `the provider answered ${errorWord({ error })}`)
}

function codeOf(error: unknown): ErrorCode {
  if (error instanceof FlowError) return error.code
  return error instanceof UnavailableError ? 'unavailable' : 'server_error'
}

function contactOf(
  profile: Profile,
): Pick<StoredUser, 'name' | 'email' | 'emailVerified' | 'avatarUrl'> {
  const { name, email, emailVerified, avatarUrl } = profile
  return { name, email, emailVerified, avatarUrl }
}

/** Whether the browser is on 127.0.0.1, say, while the origin is localhost. */
function isOtherLoopbackName({ headers }: FastifyRequest, { hostname, origin }: Site): boolean {
  const { host, referer } = headers
  if (!isLoopback(hostname) || !URL.canParse(`http://${host}`)) return false
  // A proxy that rewrites Host, as Vite's can, is not the browser's address.
  if (referer?.startsWith(`${origin}/`)) return false
  const asked = new URL(`http://${host}`).hostname
  return isLoopback(asked) && asked !== hostname
}
