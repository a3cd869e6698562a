// Maps a provider's account to a user. This module guarantees that only the provider's subject identifies a user, never an e-mail address, and that a single pure function decides whether to admit someone.

import type { ErrorCode } from '@latchkey/contract'
import type { Profile } from '../providers/provider.ts'
import type { StoredUser } from '../store/store.ts'
import { type EmailPolicy, judgeEmail } from './email-rules.ts'

/** Who may sign in. */
export interface AdmissionPolicy {
  /** Whether a profile without an identity becomes a new user. */
  readonly signUp: boolean
  readonly emails: EmailPolicy
}

/** The decision about a profile: the user to sign in, or the reason to reject the sign-in. */
export type Admission =
  | { readonly as: 'known-user'; readonly user: StoredUser }
  | { readonly as: 'new-user' }
  | { readonly as: 'rejected'; readonly code: Rejection }

/** The codes of a rejected profile. */
export type Rejection = Extract<
  ErrorCode,
  | 'account_inactive'
  | 'email_missing'
  | 'email_not_allowed'
  | 'email_unverified'
  | 'provider_unavailable'
  | 'sign_up_closed'
  | 'user_banned'
>

/**
 * Decides whether to admit a profile, and as which user. Only the provider's subject identifies a user. An
 * e-mail address never does, because its owner can give it up and someone else can register it. Rules about
 * addresses use `profile.email`, which the provider returned in this flow, not `user.email`, which may be
 * years old.
 *
 * @param user The user who has an identity with this provider and subject, or `null` if there is none.
 */
export function admit(
  profile: Profile,
  user: StoredUser | null,
  { signUp, emails }: AdmissionPolicy,
): Admission {
  if (!profile.active) return { as: 'rejected', code: 'account_inactive' }
  if (user !== null && user.bannedAt !== null) return { as: 'rejected', code: 'user_banned' }
  const refusal = judgeEmail(emails, profile)
  if (refusal !== null) return { as: 'rejected', code: refusal }
  if (user !== null) return { as: 'known-user', user }
  return signUp ? { as: 'new-user' } : { as: 'rejected', code: 'sign_up_closed' }
}
