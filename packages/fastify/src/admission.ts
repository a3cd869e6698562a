import type { ErrorCode } from '@latchkey/contract'
import type { Profile } from './provider.ts'
import type { StoredIdentity } from './store.ts'

/** Who a person is to us, once a provider has said who they are to it. */
export type Admission =
  | { readonly as: 'known-user'; readonly userId: string }
  | { readonly as: 'new-user' }
  | { readonly as: 'nobody'; readonly code: ErrorCode }

/**
 * Decides whether a person may come in, and as whom. Only the provider's subject counts: an e-mail
 * address can be given up and taken by somebody else, so it never leads to an account.
 *
 * @param identity What is stored for the profile's provider and subject, or `null`.
 */
export function admit(profile: Profile, identity: StoredIdentity | null): Admission {
  if (!profile.active) return { as: 'nobody', code: 'account_inactive' }
  if (identity !== null) return { as: 'known-user', userId: identity.userId }
  return { as: 'new-user' }
}
