import type { Session, User } from '@latchkey/contract'
import type { StoredSession, StoredUser } from '../store/store.ts'

/** Who a request comes from. Other requests share it, so it is frozen. */
export interface Auth {
  readonly user: User
  readonly session: Session
}

/** A session and when it ends. All times are milliseconds since the Unix epoch. */
export interface Opened {
  auth: Auth
  /** Tells the secrets of a session apart after a rotation. */
  readonly secretHash: string
  /** When it ends unless it is used before. */
  until: number
  /** When the next use must be stored. */
  touchAt: number
  readAt: number
  /** Whether the cache holds it. */
  isHeld: boolean
}

/** Field by field, so that a column added to the store does not reach a browser by itself. */
export function publicUser(user: StoredUser): User {
  const { id, name, email, emailVerified, avatarUrl, createdAt } = user
  return { id, name, email, emailVerified, avatarUrl, createdAt }
}

export function publicSession(session: StoredSession): Session {
  const { id, provider, createdAt, authenticatedAt, expiresAt } = session
  return { id, provider, createdAt, authenticatedAt, expiresAt }
}
