import type { Session, User } from '@latchkey/contract'
import type { StoredSession, StoredUser } from '../store/store.ts'

/** The signed-in user and session of a request. It is frozen, because other requests share it. */
export interface Auth {
  readonly user: User
  readonly session: Session
}

/** A session and its end. All times are milliseconds since the Unix epoch. */
export interface Opened {
  auth: Auth
  /** Distinguishes the secrets of a session before and after a rotation. */
  readonly secretHash: string
  /** When the session ends if it is not used before then. */
  until: number
  /** When the next use must be stored. */
  touchAt: number
  readAt: number
  /** Whether the cache still contains it. */
  isHeld: boolean
}

/**
 * Copies each field by name, so that a new column in the store does not reach a browser by accident.
 */
export function publicUser(user: StoredUser): User {
  const { id, name, email, emailVerified, avatarUrl, createdAt, roles } = user
  return { id, name, email, emailVerified, avatarUrl, createdAt, roles }
}

export function publicSession(session: StoredSession): Session {
  const { id, provider, createdAt, authenticatedAt, expiresAt } = session
  return { id, provider, createdAt, authenticatedAt, expiresAt }
}
