import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { FlowError } from '../http/errors.ts'
import type { Profile, Provider } from '../providers/provider.ts'
import {
  ConflictError,
  type StoredIdentity,
  type StoredUser,
  type StoreQueries,
} from '../store/store.ts'
import { type AdmissionPolicy, admit, type Rejection } from './admission.ts'

/** A verified profile, and the provider that returned it. */
export interface ProvidedProfile {
  readonly provider: Pick<Provider, 'id' | 'signUp'>
  readonly profile: Profile
}

/** The reasons for the log. */
const REJECTIONS: Readonly<Record<Rejection, string>> = {
  account_inactive: 'the provider reports the account as inactive',
  email_missing: '`emails` requires an address, and the account has none',
  email_not_allowed: '`emails` does not allow the address',
  email_unverified: '`emails` requires a verified address',
  provider_unavailable: '`emails` has rules, and the provider did not return the address',
  sign_up_closed: '`signUp` is closed, for all providers or for this one',
  user_banned: 'the user is banned',
}

/** An identity and its user. */
export interface Known {
  readonly identity: StoredIdentity
  readonly user: StoredUser
}

/** Returns who has signed in with this account before, or `null`. */
export async function findKnown(
  queries: StoreQueries,
  { provider, profile }: ProvidedProfile,
): Promise<Known | null> {
  const identity = await queries.findIdentity(provider.id, profile.subject)
  if (identity === null) return null
  const user = await queries.findUser(identity.userId)
  if (user === null) throw new Error('the identity has no user')
  return { identity, user }
}

/** @throws FlowError if the profile is not admitted */
export function requireAdmission(
  { provider, profile }: ProvidedProfile,
  known: Known | null,
  { signUp, emails }: AdmissionPolicy,
): void {
  const policy = { emails, signUp: signUp && provider.signUp }
  const admission = admit(profile, known?.user ?? null, policy)
  if (admission.as === 'rejected') throw new FlowError(admission.code, REJECTIONS[admission.code])
}

/** Values for the user that do not come from the profile. */
export interface Additions {
  readonly now: number
  /** Whether a new user is stored as pending. */
  readonly isPending: boolean
  /** Replaces the roles. Missing: an existing user keeps theirs. */
  readonly roles: readonly string[] | undefined
}

/** Stores an admitted profile and returns its user, who may be new. */
export async function storeProfile(
  queries: StoreQueries,
  { provider, profile }: ProvidedProfile,
  known: Known | null,
  additions: Additions,
): Promise<{ user: StoredUser; newUser: boolean }> {
  const { now, roles } = additions
  if (known === null) {
    const user = newUser(profile, additions)
    await addUser(queries, user, provider.id, profile)
    return { user, newUser: true }
  }
  const { identity } = known
  const user = await updateUser(queries, known.user, profile, roles)
  const attributes = { ...identity.attributes, ...profile.attributes }
  await queries.updateIdentity({ ...identity, attributes, lastUsedAt: now })
  return { user, newUser: false }
}

async function updateUser(
  queries: StoreQueries,
  before: StoredUser,
  profile: Profile,
  roles: Additions['roles'],
): Promise<StoredUser> {
  const { name, ...contact } = returnedContact(profile)
  const keepsName = before.isNameEdited || name === undefined
  const user = {
    ...before,
    ...contact,
    name: keepsName ? before.name : name,
    roles: roles ?? before.roles,
  }
  if (!isDeepStrictEqual(user, before)) await queries.updateUser(user)
  return user
}

function newUser(profile: Profile, { now, isPending, roles = [] }: Additions): StoredUser {
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
    roles,
    isPending,
    isNameEdited: false,
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
