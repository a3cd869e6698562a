import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { FlowError } from '../http/errors.ts'
import type { Profile } from '../providers/provider.ts'
import {
  ConflictError,
  type StoredIdentity,
  type StoredUser,
  type StoreQueries,
} from '../store/store.ts'
import { type AdmissionPolicy, admit, type Rejection } from './admission.ts'

/** A verified profile, and the id of the provider that returned it. */
export interface ProvidedProfile {
  readonly provider: string
  readonly profile: Profile
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

/**
 * Stores a profile and returns its user, who may be new.
 * @param isPending Whether a new user is stored as pending.
 * @throws FlowError if the profile is not admitted
 */
export async function storeProfile(
  queries: StoreQueries,
  { provider, profile }: ProvidedProfile,
  policy: AdmissionPolicy,
  { now, isPending }: { readonly now: number; readonly isPending: boolean },
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
  const user = newUser(profile, now, isPending)
  await addUser(queries, user, provider, profile)
  return { user, newUser: true }
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

function newUser(profile: Profile, now: number, isPending: boolean): StoredUser {
  return {
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
    isPending,
  }
}

async function addUser(
  queries: StoreQueries,
  user: StoredUser,
  provider: string,
  { attributes, subject }: Profile,
): Promise<void> {
  await queries.insertUser(user)
  const identity: StoredIdentity = {
    id: randomUUID(),
    userId: user.id,
    provider,
    subject,
    attributes,
    createdAt: user.createdAt,
    lastUsedAt: user.createdAt,
  }
  if (!(await queries.insertIdentity(identity))) {
    throw new ConflictError('another sign-in has just created this identity')
  }
}

function nicknameOf({ attributes }: Profile): string | null {
  return attributes.nickname ?? attributes.username ?? attributes.login ?? null
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
