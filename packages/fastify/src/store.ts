/**
 * Where users, identities and sessions live. This file is the contract; `testing/store-contract.ts`
 * is the same contract as tests, which every store has to pass.
 *
 * All times are milliseconds since the Unix epoch.
 */

export interface StoredUser {
  readonly id: string
  readonly name: string | null
  readonly email: string | null
  readonly emailVerified: boolean
  readonly avatarUrl: string | null
  readonly createdAt: number
}

/** The fact "(provider, subject) is this user". No two rows have the same provider and subject. */
export interface StoredIdentity {
  readonly id: string
  readonly userId: string
  readonly provider: string
  /** The provider's own, unchangeable name for the person. */
  readonly subject: string
  /** What else the provider calls the person, for display and support. */
  readonly attributes: Readonly<Record<string, string>>
  readonly createdAt: number
  readonly lastUsedAt: number
}

export interface StoredSession {
  readonly id: string
  readonly userId: string
  readonly provider: string | null
  /** SHA-256 of the cookie's secret, base64url. The secret itself is stored nowhere. */
  readonly secretHash: string
  readonly createdAt: number
  readonly authenticatedAt: number
  readonly expiresAt: number
}

/** What an acknowledged write survives: the end of the process, or a loss of power too. */
export type Durability = 'process' | 'power-loss'

/** Reads and writes, each by itself, or together inside `Store.transaction`. */
export interface StoreQueries {
  findUser(id: string): Promise<StoredUser | null>
  insertUser(user: StoredUser): Promise<void>
  /** Replaces everything but `createdAt`. */
  updateUser(user: StoredUser): Promise<void>

  findIdentity(provider: string, subject: string): Promise<StoredIdentity | null>
  /** `false`, with nothing written, if there is one with this provider and subject already. */
  insertIdentity(identity: StoredIdentity): Promise<boolean>
  /** Replaces `attributes` and `lastUsedAt`. */
  updateIdentity(identity: StoredIdentity): Promise<void>

  findSession(id: string): Promise<{ session: StoredSession; user: StoredUser } | null>
  insertSession(session: StoredSession): Promise<void>
  deleteSession(id: string): Promise<void>
  /** Ends every session of a user, but for the one named by `except`. */
  deleteSessionsOf(userId: string, except?: string): Promise<void>

  /**
   * Marks a flow as used. Of any number of calls with the same `id`, at once or in turn, in one process
   * or several, exactly one gets `true`.
   * @param expiresAt When the mark may be forgotten: not before the flow itself has expired.
   */
  useFlow(id: string, expiresAt: number): Promise<boolean>
  /** Forgets what expired before `now`, at most `limit` rows of a kind. */
  deleteExpired(now: number, limit: number): Promise<void>
}

export interface Store extends StoreQueries {
  /** Makes the store ready, and its tables if they are missing or old. Safe to repeat, also at once. */
  open(): Promise<void>
  /** Undoes one `open`; the last one closes the store. */
  close(): Promise<void>
  /**
   * All of `work` or none of it. `work` must await nothing but the queries it is given: everybody else
   * waits for it. It may be run again if another process got in between.
   */
  transaction<T>(durability: Durability, work: (queries: StoreQueries) => Promise<T>): Promise<T>
}
