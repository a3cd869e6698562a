import type { Ending, StoredSession, StoredUser } from '../store/store.ts'

/** A user with one session, for tests of a store. */
export const user: StoredUser = {
  id: 'a',
  name: 'Test Person',
  email: null,
  emailVerified: false,
  avatarUrl: null,
  createdAt: 1_790_000_000_000,
  bannedAt: null,
  roles: [],
  isPending: false,
  isNameEdited: false,
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

/** The reason for ended sessions in tests of a store. */
export const ending: Ending = { reason: 'revoked', actor: null }

/** Treats no stored use as recent, so that each use is written. */
export const never = { from: 1, to: 0 }
