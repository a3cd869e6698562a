import type { User } from '@latchkey/contract'
import type { Profile } from '../providers/provider.ts'

/** A user who has just been stored, before their first session. */
export interface CreatedUser {
  readonly user: User
  /** What the provider returned. It is not stored: copy the fields that you need. */
  readonly profile: Profile
  /** The provider's id. */
  readonly provider: string
}

/**
 * Called for each new user, before they are signed in. See `LatchkeyOptions.onUserCreated`.
 *
 * @example
 * const onUserCreated: OnUserCreated = async ({ user }) => {
 *   await db.insert(people).values({ id: user.id }).onConflictDoNothing()
 * }
 */
export type OnUserCreated = (created: CreatedUser) => unknown
