import type { Ending, StoredSession, StoredUser } from '../store/store.ts'

/** Somebody with one session, for tests of what a store does with them. */
export const user: StoredUser = {
  id: 'a',
  name: 'Test Person',
  email: null,
  emailVerified: false,
  avatarUrl: null,
  createdAt: 1_790_000_000_000,
  bannedAt: null,
}

export const session: StoredSession = {
  id: 's',
  userId: 'a',
  provider: 'bitbucket',
  secretHash: 'hash',
  device: null,
  createdAt: 1_790_000_000_000,
  authenticatedAt: 1_790_000_000_000,
  lastUsedAt: 1_790_000_000_000,
  expiresAt: 1_800_000_000_000,
}

/** Why sessions end in tests of what a store does with them. */
export const ending: Ending = { reason: 'revoked', actor: null }

/** No stored use is recent, so that each is written. */
export const never = { from: 1, to: 0 }
