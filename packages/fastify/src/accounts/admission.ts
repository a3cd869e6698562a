// Who a person is to us. This room promises: a provider's subject alone leads to a user, never an e-mail
// address, and whether somebody may come in is one pure function.

import type { ErrorCode } from '@latchkey/contract'
import type { Profile } from '../providers/provider.ts'
import type { StoredUser } from '../store/store.ts'

/** Who a person is to us, once a provider has said who they are to it. */
export type Admission =
  | { readonly as: 'known-user'; readonly user: StoredUser }
  | { readonly as: 'new-user' }
  | { readonly as: 'nobody'; readonly code: ErrorCode }

/**
 * Decides whether a person may come in, and as whom. Only the provider's subject counts: an e-mail
 * address can be given up and taken by somebody else, so it never leads to an account. A rule about
 * addresses must go by `profile.email`, which the provider returned in this flow, never by `user.email`, which
 * may be years old.
 *
 * @param user Whose identity the profile's provider and subject are, or `null` if they are nobody's.
 */
export function admit(profile: Profile, user: StoredUser | null): Admission {
  if (!profile.active) return { as: 'nobody', code: 'account_inactive' }
  if (user === null) return { as: 'new-user' }
  if (user.bannedAt !== null) return { as: 'nobody', code: 'user_banned' }
  return { as: 'known-user', user }
}
