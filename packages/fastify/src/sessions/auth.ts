import type { Session, User } from '@latchkey/contract'

/** Who a request comes from. Other requests share it, so it is frozen. */
export interface Auth {
  readonly user: User
  readonly session: Session
}

/** A session and when it ends. All times are milliseconds since the Unix epoch. */
export interface Opened {
  auth: Auth
  /** By it one secret of a session is told from another. */
  readonly secretHash: string
  /** When it ends unless it is used before. */
  until: number
  /** When its next use is to be written down. */
  touchAt: number
  readAt: number
  /** Whether the cache holds it. */
  isHeld: boolean
}
