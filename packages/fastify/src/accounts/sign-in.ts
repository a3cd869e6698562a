import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import { withReference } from '../http/codes.ts'
import { FlowError } from '../http/errors.ts'
import { type Auth, publicUser } from '../sessions/auth.ts'
import type { Sessions } from '../sessions/session.ts'
import type { Settings } from '../settings.ts'
import type { Store, StoredSession, StoredUser, StoreQueries } from '../store/store.ts'
import { askApplication } from './on-admission.ts'
import {
  findKnown,
  type Known,
  type ProvidedProfile,
  requireAdmission,
  storeProfile,
} from './stored-profile.ts'

/** A browser that returned from the provider with a verified profile. */
export interface Arrival extends ProvidedProfile {
  /** The browser's current user and session, or `null` when signed out. */
  readonly previous: Auth | null
  /** A short name of the device, such as `Firefox on Linux`, or `null`. */
  readonly device: string | null
  /** The request to the callback route. */
  readonly request: FastifyRequest
}

/** The result of a sign-in. */
export interface NewSession {
  readonly user: StoredUser
  readonly session: StoredSession
  /** The value of the session cookie. */
  readonly token: string
  readonly newUser: boolean
}

/** How many times a sign-in is attempted if its user changes in the meantime. */
const MOST_ATTEMPTS = 3

/**
 * Signs a user in: writes user, identity and session in one transaction. `onAdmission` runs before that
 * transaction. If the stored user has changed since then, the sign-in starts over. If there is an
 * `onUserCreated`, it runs for a new user before a second transaction writes the session.
 * @throws FlowError if the profile is not admitted
 */
export async function signIn(
  settings: Settings,
  sessions: Sessions,
  arrival: Arrival,
): Promise<NewSession> {
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
    const decision = await decide(settings, arrival)
    const stored = await storeArrival(settings, sessions, arrival, decision)
    if (stored === null) continue
    if ('session' in stored) return stored
    await tellApplication(settings, stored.pending, arrival)
    const completed = await complete(settings.store, sessions, stored.pending.id, arrival)
    if (completed !== null) return completed
  }
  throw new FlowError('unavailable', 'the user changed during the sign-in, several times')
}

/** The decision of `onAdmission`, and the user that it was about. */
interface Decision {
  readonly roles: readonly string[] | undefined
  /** `undefined` if there is no `onAdmission`, so that nothing can have changed. */
  readonly known: Known | null | undefined
}

async function decide(
  { admission, onAdmission, store }: Settings,
  arrival: Arrival,
): Promise<Decision> {
  if (onAdmission === undefined) return { roles: undefined, known: undefined }
  const { provider, profile, request } = arrival
  const known = await findKnown(store, arrival)
  requireAdmission(arrival, known, admission)
  const user = known && publicUser(known.user)
  try {
    const roles = await askApplication(onAdmission, {
      provider: provider.id,
      profile,
      user,
      request,
    })
    return { roles, known }
  } catch (error) {
    throw error instanceof FlowError ? error : hookFailure('onAdmission', error, request.log)
  }
}

/** Stores the profile, and opens a session unless the user is pending. Returns `null` if the decision is outdated. */
function storeArrival(
  { admission, clock, onUserCreated, store }: Settings,
  sessions: Sessions,
  arrival: Arrival,
  decision: Decision,
): Promise<NewSession | { readonly pending: StoredUser } | null> {
  const isPending = onUserCreated !== undefined
  return store.transaction('process', async (queries) => {
    const known = await findKnown(queries, arrival)
    requireAdmission(arrival, known, admission)
    if (isOutdated(decision, known)) return null
    const { roles } = decision
    const additions = { now: clock(), isPending, roles }
    const { user, newUser } = await storeProfile(queries, arrival, known, additions)
    if (isPending && user.isPending) return { pending: user }
    return { user, newUser, ...(await openSession(queries, sessions, user, arrival)) }
  })
}

function isOutdated({ known: before }: Decision, now: Known | null): boolean {
  return before !== undefined && before?.user.id !== now?.user.id
}

/**
 * Runs the application's `onUserCreated`, outside of any transaction. If it fails, the user is deleted, so that
 * the next sign-in starts from the beginning.
 */
async function tellApplication(
  { onUserCreated, store }: Settings,
  user: StoredUser,
  { request, profile, provider }: Arrival,
): Promise<void> {
  try {
    await onUserCreated?.({ user: publicUser(user), profile, provider: provider.id })
  } catch (error) {
    const failure = hookFailure('onUserCreated', error, request.log)
    await deletePending(store, user.id)
    throw failure
  }
}

/** Logs the error of the application's hook, and returns the failure of the sign-in. */
function hookFailure(
  hook: 'onAdmission' | 'onUserCreated',
  error: unknown,
  log: FastifyBaseLogger,
): FlowError {
  const { message: reason = 'unknown', stack }: Partial<Error> = error instanceof Error ? error : {}
  const message = withReference(`${hook} failed`, 'server_error')
  log.error({ event: 'hook-failed', hook, reason, stack }, message)
  return new FlowError('server_error', `\`${hook}\` failed`)
}

/** Deletes the user, unless another sign-in of the same person has completed in the meantime. */
function deletePending(store: Store, userId: string): Promise<void> {
  return store.transaction('power-loss', async (queries) => {
    const user = await queries.findUser(userId)
    if (user?.isPending) await queries.deleteUser(userId, { reason: 'deleted', actor: null })
  })
}

/** Ends the pending state and opens the session. Returns `null` if the user was deleted in the meantime. */
function complete(
  store: Store,
  sessions: Sessions,
  userId: string,
  arrival: Arrival,
): Promise<NewSession | null> {
  return store.transaction('process', async (queries) => {
    const before = await queries.findUser(userId)
    if (before === null) return null
    if (before.bannedAt !== null) throw new FlowError('user_banned', 'the user is banned')
    const user = { ...before, isPending: false }
    await queries.updateUser(user)
    const opened = await openSession(queries, sessions, user, arrival)
    return { user, newUser: before.isPending, ...opened }
  })
}

/** Stores a new session and revokes the browser's previous one, so that a planted session does not survive. */
async function openSession(
  queries: StoreQueries,
  sessions: Sessions,
  user: StoredUser,
  { provider, previous, device }: Arrival,
): Promise<{ session: StoredSession; token: string }> {
  if (previous !== null) {
    const replaced = { reason: 'replaced', actor: user.id } as const
    await queries.deleteSession(previous.session.id, replaced)
  }
  const issued = sessions.issue({ userId: user.id, provider: provider.id, device })
  await sessions.insert(queries, issued.session)
  return issued
}
