import type { FastifyBaseLogger } from 'fastify'
import { withReference } from '../http/codes.ts'
import { FlowError } from '../http/errors.ts'
import { type Auth, publicUser } from '../sessions/auth.ts'
import type { Sessions } from '../sessions/session.ts'
import type { Settings } from '../settings.ts'
import type { Store, StoredSession, StoredUser, StoreQueries } from '../store/store.ts'
import { type ProvidedProfile, storeProfile } from './stored-profile.ts'

/** A browser that returned from the provider with a verified profile. */
export interface Arrival extends ProvidedProfile {
  /** The browser's current user and session, or `null` when signed out. */
  readonly previous: Auth | null
  /** A short name of the device, such as `Firefox on Linux`, or `null`. */
  readonly device: string | null
  readonly log: FastifyBaseLogger
}

/** The result of a sign-in. */
export interface NewSession {
  readonly user: StoredUser
  readonly session: StoredSession
  /** The value of the session cookie. */
  readonly token: string
  readonly newUser: boolean
}

/** How often a sign-in starts over if its user is deleted in the meantime. */
const MOST_ATTEMPTS = 3

/**
 * Signs a user in: writes user, identity and session in one transaction. A new user whom the application must
 * hear of first gets the session in a second one, after `onUserCreated`.
 * @throws FlowError if the profile is not admitted
 */
export async function signIn(
  settings: Settings,
  sessions: Sessions,
  arrival: Arrival,
): Promise<NewSession> {
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
    const stored = await storeArrival(settings, sessions, arrival)
    if ('session' in stored) return stored
    await tellApplication(settings, stored.pending, arrival)
    const completed = await complete(settings.store, sessions, stored.pending.id, arrival)
    if (completed !== null) return completed
  }
  throw new FlowError('unavailable', 'the user was deleted during the sign-in, several times')
}

/** Stores the profile, and opens a session unless the user is pending. */
function storeArrival(
  { admission, clock, onUserCreated, store }: Settings,
  sessions: Sessions,
  arrival: Arrival,
): Promise<NewSession | { readonly pending: StoredUser }> {
  const isPending = onUserCreated !== undefined
  return store.transaction('process', async (queries) => {
    const { user, newUser } = await storeProfile(queries, arrival, admission, {
      now: clock(),
      isPending,
    })
    if (isPending && user.isPending) return { pending: user }
    return { user, newUser, ...(await openSession(queries, sessions, user, arrival)) }
  })
}

/**
 * Runs the application's `onUserCreated`, outside of any transaction. If it fails, the user is deleted, so that
 * the next sign-in starts from the beginning.
 */
async function tellApplication(
  { onUserCreated, store }: Settings,
  user: StoredUser,
  { log, profile, provider }: Arrival,
): Promise<void> {
  try {
    await onUserCreated?.({ user: publicUser(user), profile, provider })
  } catch (error) {
    const { message: reason = 'unknown', stack }: Partial<Error> =
      error instanceof Error ? error : {}
    const line = { event: 'user-created-failed', userId: user.id, reason, stack }
    log.error(line, withReference('onUserCreated failed', 'server_error'))
    await deletePending(store, user.id)
    throw new FlowError('server_error', '`onUserCreated` failed')
  }
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
  const issued = sessions.issue({ userId: user.id, provider, device })
  await sessions.insert(queries, issued.session)
  return issued
}
