// Every sign-in from the click to the result. This room promises: a flow only works in the browser in which it
// began, and only once. Whatever happens, the user returns to a page of the application, signed in or with an
// error message. No text from the provider or from a link is repeated unchecked.

import { type ErrorCode, paths } from '@latchkey/contract'
import type { FastifyReply } from 'fastify'
import { signIn } from '../accounts/sign-in.ts'
import { withReference } from '../http/codes.ts'
import { connectionOf } from '../http/connection.ts'
import { LAST_MAX_AGE } from '../http/cookies.ts'
import {
  askStore,
  FlowError,
  RETRY_AFTER,
  Refusal,
  sendError,
  UnavailableError,
} from '../http/errors.ts'
import { judgeStart, warnOfOtherOrigin } from '../http/request-origin.ts'
import { withQuery, withReturnTo } from '../http/return-to.ts'
import { startDeadline } from '../providers/client/deadline.ts'
import { LEFT } from '../providers/client/exchange-gate.ts'
import type { Authorization } from '../providers/client/provider-client.ts'
import type { Profile } from '../providers/provider.ts'
import { publicSession, publicUser } from '../sessions/auth.ts'
import { deviceOf } from '../sessions/device.ts'
import type { Sessions } from '../sessions/session.ts'
import type { LatchkeyEventSource, Settings } from '../settings.ts'
import type { StoredSession } from '../store/store.ts'
import { redirectToOrigin } from './at-origin.ts'
import { exchange } from './exchange.ts'
import { type Flow, newFlow, whyUnfit } from './flow-contents.ts'
import { createFlowCookies, type FlowCookies } from './flow-cookies.ts'
import { type FlowTargets, popupId } from './flow-targets.ts'
import { createPostedFields, type PostedFields } from './posted-fields.ts'
import { addedScopesOf, hintsOf, refusalOf, single } from './query.ts'
import type { Refusals } from './refusals.ts'
import { createSharedCallbacks, Dropped, type SharedCallbacks } from './shared-callback.ts'
import { createSweep } from './sweep.ts'
import type { Callback, Visit } from './visit.ts'

/** The dependencies and the state of a server's flows. */
export interface Flows {
  readonly settings: Settings
  readonly sessions: Sessions
  readonly events: LatchkeyEventSource
  readonly targets: FlowTargets
  readonly cookies: FlowCookies
  readonly posted: PostedFields
  readonly refusals: Refusals
  readonly callbacks: SharedCallbacks<Outcome>
  readonly sweep: () => Promise<void>
}

type Outcome = SignedIn | Failure

/** A stored session, and the values of its cookies. */
interface SignedIn {
  readonly session: StoredSession
  readonly token: string
  readonly provider: string
}

interface Failure {
  readonly error: unknown
  readonly flowUsed: boolean
}

export function createFlows({
  settings,
  sessions,
  events,
  targets,
  refusals,
}: Pick<Flows, 'settings' | 'sessions' | 'events' | 'targets' | 'refusals'>): Flows {
  const cookies = createFlowCookies(settings)
  const callbacks = createSharedCallbacks<Outcome>()
  const sweep = createSweep(settings, sessions)
  const posted = createPostedFields(settings)
  return { settings, sessions, events, targets, cookies, posted, refusals, callbacks, sweep }
}

/** Starts a flow if the request comes from a click on one of our pages. */
export async function start(flows: Flows, visit: Visit): Promise<FastifyReply> {
  const { settings, targets } = flows
  const { request, reply, client } = visit
  const verdict = judgeStart(request.headers)
  if (verdict === 'refuse-prefetch') return sendError(reply, 'prefetch_refused')
  if (verdict === 'refuse-embedding') return sendError(reply, 'forbidden')
  if (settings.development) warnOfOtherOrigin(request, settings.site.origin)
  const target = targets.returnTo(single(request, 'return_to'), request.log)
  const popup = popupId(single(request, 'popup'))
  const here = withReturnTo(paths(settings.basePath).start(client.provider.id), target)
  const redirected = redirectToOrigin(
    visit,
    settings,
    popup === null ? here : withQuery(here, { popup }),
  )
  if (redirected !== null) return redirected
  if (verdict === 'ask-first') return reply.redirect(withReturnTo(settings.signInPath, target), 303)

  const wishes = wishesOf(visit)
  const flow = newFlow(settings, {
    provider: client.provider.id,
    returnTo: target,
    began: targets.began(request.headers.referer),
    ...(popup !== null && { popup }),
    ...(wishes !== NO_WISHES && { hinted: true }),
  })
  return goToProvider(flows, visit, flow, wishes)
}

/** What a link to the start route asks of the provider. */
type Wishes = Pick<Authorization, 'hints' | 'addedScopes'>

const NO_WISHES: Wishes = { hints: {}, addedScopes: [] }

function wishesOf({ request, client }: Visit): Wishes {
  const hints = hintsOf(request)
  const addedScopes = addedScopesOf(request, client.provider)
  return Object.keys(hints).length + addedScopes.length === 0 ? NO_WISHES : { hints, addedScopes }
}

/** @param replaced The state of the flow that this one replaces. */
async function goToProvider(
  flows: Flows,
  visit: Visit,
  flow: Flow,
  wishes: Wishes,
  replaced?: string,
): Promise<FastifyReply> {
  const { cookies, settings, targets } = flows
  const { request, reply, client } = visit
  const deadline = startDeadline(settings.providerTimeout)
  try {
    const url = await client.authorizeUrl({ ...flow, ...wishes }, deadline)
    cookies.put(request, reply, flow, replaced)
    return goOn(reply, url)
  } catch (error) {
    const code = codeOf(error)
    report(flows, visit, code, error)
    return goOn(reply, targets.afterFailure(flow, code))
  } finally {
    deadline.done()
  }
}

/**
 * Completes a flow: with a session, or back on the page where it began with `?auth_error=<code>`. All callbacks
 * of one flow have the same outcome: a second one waits for the first.
 *
 * If the browser disconnects before the token request, the callback is dropped and the flow can still
 * be used. Once the token request has begun, the callback runs to its end, because the code is used up. If the
 * browser never receives the session, it expires like any other.
 */
export async function finish(flows: Flows, visit: Visit): Promise<FastifyReply> {
  const { cookies, posted, settings } = flows
  const { request, reply } = visit
  // Later log lines about this request quote its URL, and must not contain `code` or `state`. Fastify has
  // already parsed the query.
  request.raw.url = request.raw.url?.split('?', 1)[0]
  const state = single(request, 'state')
  const flow = cookies.find(request, state)
  if (flow === null) {
    cookies.clear(request, reply, state)
    const error = new FlowError('flow_missing', 'this browser has no such flow')
    return fail(flows, visit, null, { error, flowUsed: false, isOwn: true })
  }
  const deadline = startDeadline(settings.providerTimeout)
  try {
    const connection = connectionOf(request, reply)
    const fields = posted.take(request, reply, flow.state)
    const callback = { ...visit, flow, deadline, connection, posted: fields, flowUsed: false }
    return await share(flows, callback)
  } finally {
    deadline.done()
  }
}

/** Responds with this callback's own outcome, or with that of another callback of the same flow. */
async function share(flows: Flows, callback: Callback): Promise<FastifyReply> {
  const { reply, client, flow } = callback
  // The key includes the provider, so that another provider's callback cannot get this outcome.
  const key = `${client.provider.id} ${flow.state}`
  const shared = await flows.callbacks.share(key, (before) => attempt(flows, callback, before))
  if (shared === null) {
    const error = new FlowError('unavailable', 'too many callbacks of one flow are waiting')
    return fail(flows, callback, flow, { error, flowUsed: false, isOwn: true })
  }
  const { outcome, isOwn } = shared
  // The browser has disconnected and never receives this response.
  if (outcome instanceof Dropped) return goOn(reply, flows.settings.signInPath)
  if ('error' in outcome) return fail(flows, callback, flow, { ...outcome, isOwn })
  return succeed(flows, callback, outcome)
}

/** Turns a callback into a session or an error. Never rejects. */
async function attempt(
  flows: Flows,
  callback: Callback,
  before: Dropped | null,
): Promise<Outcome | Dropped> {
  callback.flowUsed = before?.flowUsed ?? false
  try {
    const profile = await exchange(callback, flows)
    logWarnings(callback, profile)
    return await welcome(flows, callback, profile)
  } catch (error) {
    const { flowUsed } = callback
    return error === LEFT ? new Dropped(flowUsed) : { error, flowUsed }
  }
}

function logWarnings({ request, client }: Callback, { warnings = [] }: Profile): void {
  for (const reason of warnings) {
    const line = { event: 'sign-in-warning', provider: client.provider.id, reason }
    request.log.warn(line, withReference('sign-in warning', 'account_data_missing'))
  }
}

/** Signs the user in, logs it and emits `sign-in`. */
async function welcome(
  { settings, sessions, events }: Flows,
  { request, client }: Callback,
  profile: Profile,
): Promise<SignedIn> {
  const { provider } = client
  const previous = await sessions.read(request)
  const device = await deviceOf(request.headers['user-agent'])
  const { user, session, token, newUser } = await askStore(request.log, () =>
    signIn(settings, sessions, { provider, profile, previous, device, request }),
  )
  const line = { event: 'sign-in', provider: provider.id, userId: user.id, newUser }
  request.log.info(line, 'signed in')
  events.emit('sign-in', {
    user: publicUser(user),
    session: publicSession(session),
    profile,
    newUser,
  })
  return { session, token, provider: provider.id }
}

function succeed(
  { cookies, sessions, settings: { site }, targets }: Flows,
  { request, reply, flow }: Callback,
  { session, token, provider }: SignedIn,
): FastifyReply {
  cookies.clear(request, reply, flow.state)
  sessions.setCookie(reply, session, token)
  site.cookies.set(reply, site.cookies.last, provider, LAST_MAX_AGE)
  return goOn(reply, targets.afterSuccess(flow))
}

/** Responds without a new session: already signed in, restarted, or with an error. */
async function fail(
  flows: Flows,
  visit: Visit,
  flow: Flow | null,
  { error, flowUsed, isOwn }: Failure & { readonly isOwn: boolean },
): Promise<FastifyReply> {
  const { cookies, refusals, sessions, targets } = flows
  const { request, reply, client } = visit
  const { id: provider } = client.provider
  const code = codeOf(error)
  // An unused flow keeps its cookie, so that a reload works.
  if (flow !== null && flowUsed) cookies.clear(request, reply, flow.state)
  if (code === 'flow_missing' || code === 'flow_used') {
    // A reload, the Back button or a second consent after a successful sign-in.
    const auth = await sessions.readOrNull(request)
    if (auth !== null) {
      request.log.info({ event: 'sign-in-ignored', provider, code }, 'already signed in')
      return goOn(reply, targets.afterSuccess(flow))
    }
  }
  if (code === 'flow_used' && flow !== null && mayRestart(flows, visit, flow)) {
    return restart(flows, visit, flow)
  }
  if (isOwn) report(flows, visit, code, error)
  if (error instanceof Refusal && !reply.sent) refusals.keep(reply, error.sentence)
  if (code === 'unavailable' && !flowUsed) reply.header('retry-after', RETRY_AFTER)
  return goOn(reply, targets.afterFailure(flow, code))
}

/** Returns whether a used flow may start again without a click. */
function mayRestart({ settings }: Flows, { request, client }: Visit, flow: Flow): boolean {
  const agreed = single(request, 'code') !== null && refusalOf(request) === null
  const isPlain = flow.restarted !== true && flow.hinted !== true
  return agreed && isPlain && whyUnfit(flow, client.provider.id, settings.clock()) === null
}

/** Restarts a flow whose outcome the browser never received. */
function restart(flows: Flows, visit: Visit, old: Flow): Promise<FastifyReply> {
  const { settings, targets } = flows
  const { request, client } = visit
  const popup = popupId(old.popup)
  const flow = newFlow(settings, {
    provider: client.provider.id,
    returnTo: targets.returnTo(old.returnTo),
    began: targets.began(old.began),
    ...(popup !== null && { popup }),
    restarted: true,
  })
  const line = { event: 'sign-in-restarted', provider: client.provider.id }
  request.log.info(line, 'sign-in restarted')
  return goToProvider(flows, visit, flow, NO_WISHES, old.state)
}

function report(
  { events }: Flows,
  { request, client }: Visit,
  code: ErrorCode,
  error: unknown,
): void {
  const provider = client.provider.id
  const { message: reason = 'unknown', stack }: Partial<Error> = error instanceof Error ? error : {}
  const unexpected = code === 'server_error'
  const level = unexpected ? 'error' : code.startsWith('provider_') ? 'warn' : 'info'
  // Never log the error itself: an HTTP client's error contains the request with its headers.
  const line = { event: 'sign-in-failed', provider, code, reason, ...(unexpected && { stack }) }
  if (level === 'info') request.log.info(line, 'sign-in failed')
  else request.log[level](line, withReference('sign-in failed', code))
  events.emit('sign-in-failed', { provider, code })
}

function codeOf(error: unknown): ErrorCode {
  if (error instanceof FlowError) return error.code
  return error instanceof UnavailableError ? 'unavailable' : 'server_error'
}

/** Redirects, unless a response was already sent, for example by Fastify's `handlerTimeout`. */
function goOn(reply: FastifyReply, path: string): FastifyReply {
  return reply.sent ? reply : reply.redirect(path, 303)
}
