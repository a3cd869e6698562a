import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { FlowError } from '../http/errors.ts'
import type { Profile } from '../providers/provider.ts'
import type { Auth } from '../sessions/auth.ts'
import type { Sessions } from '../sessions/session.ts'
import type { Settings } from '../settings.ts'
import {
  ConflictError,
  type StoredIdentity,
  type StoredSession,
  type StoredUser,
  type StoreQueries,
} from '../store/store.ts'
import { type AdmissionPolicy, admit, type Rejection } from './admission.ts'

/** A browser that returned from the provider with a verified profile. */
export interface Arrival {
  /** The provider's id. */
  readonly provider: string
  readonly profile: Profile
  /** The browser's current user and session, or `null` when signed out. */
  readonly previous: Auth | null
  /** A short name of the device, such as `Firefox on Linux`, or `null`. */
  readonly device: string | null
}

/** The result of a sign-in. */
export interface NewSession {
  readonly user: StoredUser
  readonly session: StoredSession
  /** The value of the session cookie. */
  readonly token: string
  readonly newUser: boolean
}

/**
 * Signs a user in: writes user, identity and session in one transaction.
 * @throws FlowError if the profile is not admitted
 */
export function signIn(
  { admission, clock, store }: Settings,
  sessions: Sessions,
  arrival: Arrival,
): Promise<NewSession> {
  return store.transaction('process', async (queries) => {
    const { user, newUser } = await userOf(queries, arrival, admission, clock())
    return { user, newUser, ...(await openSession(queries, sessions, user, arrival)) }
  })
}

/** The reasons for the log. */
const REJECTIONS: Readonly<Record<Rejection, string>> = {
  account_inactive: 'the provider reports the account as inactive',
  email_missing: '`emails` requires an address, and the account has none',
  email_not_allowed: '`emails` does not allow the address',
  email_unverified: '`emails` requires a verified address',
  provider_unavailable: '`emails` has rules, and the provider did not return the address',
  sign_up_closed: '`signUp` is closed',
  user_banned: 'the user is banned',
}

/** Stores the current profile and returns its user, who may be new. */
async function userOf(
  queries: StoreQueries,
  { provider, profile }: Arrival,
  policy: AdmissionPolicy,
  now: number,
): Promise<{ user: StoredUser; newUser: boolean }> {
  const identity = await queries.findIdentity(provider, profile.subject)
  const known = identity && (await queries.findUser(identity.userId))
  if (identity !== null && known === null) throw new Error('the identity has no user')
  const admission = admit(profile, known, policy)
  if (admission.as === 'rejected') throw new FlowError(admission.code, REJECTIONS[admission.code])
  if (identity !== null && admission.as === 'known-user') {
    const user = await updateUser(queries, admission.user, profile)
    const attributes = { ...identity.attributes, ...profile.attributes }
    await queries.updateIdentity({ ...identity, attributes, lastUsedAt: now })
    return { user, newUser: false }
  }
  return { user: await addUser(queries, provider, profile, now), newUser: true }
}

async function updateUser(
  queries: StoreQueries,
  before: StoredUser,
  profile: Profile,
): Promise<StoredUser> {
  const user = { ...before, ...returnedContact(profile) }
  if (!isDeepStrictEqual(user, before)) await queries.updateUser(user)
  return user
}

async function addUser(
  queries: StoreQueries,
  provider: string,
  profile: Profile,
  now: number,
): Promise<StoredUser> {
  const user: StoredUser = {
    id: randomUUID(),
    // The fallback if the provider does not return a name.
    name: nicknameOf(profile),
    email: null,
    emailVerified: false,
    avatarUrl: null,
    ...returnedContact(profile),
    createdAt: now,
    bannedAt: null,
    roles: [],
  }
  await queries.insertUser(user)
  const { attributes, subject } = profile
  const identity: StoredIdentity = {
    id: randomUUID(),
    userId: user.id,
    provider,
    subject,
    attributes,
    createdAt: now,
    lastUsedAt: now,
  }
  if (!(await queries.insertIdentity(identity))) {
    throw new ConflictError('another sign-in has just created this identity')
  }
  return user
}

function nicknameOf({ attributes }: Profile): string | null {
  return attributes.nickname ?? attributes.username ?? attributes.login ?? null
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

/** Returns the fields that the provider returned. Missing fields are omitted, so that stored values are kept. */
function returnedContact(
  profile: Profile,
): Partial<Pick<StoredUser, 'name' | 'email' | 'emailVerified' | 'avatarUrl'>> {
  const { name, email, emailVerified, avatarUrl } = profile
  return {
    ...(name !== undefined && { name }),
    ...(email !== undefined && { email, emailVerified: emailVerified && email !== null }),
    ...(avatarUrl !== undefined && { avatarUrl }),
  }
}
