// Maps a provider's account to a user. This module guarantees that only the provider's subject identifies a user, never an e-mail address, and that a single pure function decides whether to admit someone.

import type { ErrorCode } from '@latchkey/contract'
import type { Profile } from '../providers/provider.ts'
import type { StoredUser } from '../store/store.ts'

/** The decision about a profile: the user to sign in, or the reason to reject the sign-in. */
export type Admission =
  | { readonly as: 'known-user'; readonly user: StoredUser }
  | { readonly as: 'new-user' }
  | { readonly as: 'rejected'; readonly code: Rejection }

/** The codes of a rejected profile. */
export type Rejection = Extract<ErrorCode, 'account_inactive' | 'user_banned'>

/**
 * Decides whether to admit a profile, and as which user. Only the provider's subject identifies a user. An
 * e-mail address never does, because its owner can give it up and someone else can register it. A rule about
 * addresses must use `profile.email`, which the provider returned in this flow, not `user.email`, which may
 * be years old.
 *
 * @param user The user who has an identity with this provider and subject, or `null` if there is none.
 */
export function admit(profile: Profile, user: StoredUser | null): Admission {
  if (!profile.active) return { as: 'rejected', code: 'account_inactive' }
  if (user === null) return { as: 'new-user' }
  if (user.bannedAt !== null) return { as: 'rejected', code: 'user_banned' }
  return { as: 'known-user', user }
}
