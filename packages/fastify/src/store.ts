/**
 * Where users, identities and sessions live. This file is the contract; `testing/store-contract.ts`
 * is the same contract as tests, which every store has to pass.
 *
 * A store promises that what it has acknowledged survives what the caller asked for, that a transaction
 * happens whole or not at all and as if no other ran beside it, and that it tells whoever watches it of
 * everything that makes an answer of its own untrue.
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
  /** Since when the user may not sign in, or `null`. */
  readonly bannedAt: number | null
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
  /** What the person would call the device, such as `Firefox on Linux`, or `null`. */
  readonly device: string | null
  readonly createdAt: number
  readonly authenticatedAt: number
  /** Up to a minute older than the last request. */
  readonly lastUsedAt: number
  readonly expiresAt: number
}

/** A part of a list that goes from the newest to the oldest. */
export interface Page {
  /** The most rows of it. */
  readonly limit: number
  /** The last row of the part before; the list goes on behind it. */
  readonly after?: { readonly id: string; readonly createdAt: number } | undefined
}

/** What an acknowledged write survives: the end of the process, or a loss of power too. */
export type Durability = 'process' | 'power-loss'

/** What was read before, and is no longer true: a session has ended or changed, or a user has. */
export type Change = { readonly session: string } | { readonly user: string } | 'everything'

/** Reads and writes, each by itself, or together inside `Store.transaction`. */
export interface StoreQueries {
  findUser(id: string): Promise<StoredUser | null>
  listUsers(page: Page): Promise<StoredUser[]>
  insertUser(user: StoredUser): Promise<void>
  /** Replaces everything but `createdAt`. */
  updateUser(user: StoredUser): Promise<void>
  /** With all identities and sessions. */
  deleteUser(id: string): Promise<void>

  findIdentity(provider: string, subject: string): Promise<StoredIdentity | null>
  /** `false`, with nothing written, if there is one with this provider and subject already. */
  insertIdentity(identity: StoredIdentity): Promise<boolean>
  /** Replaces `attributes` and `lastUsedAt`. */
  updateIdentity(identity: StoredIdentity): Promise<void>

  findSession(id: string): Promise<{ session: StoredSession; user: StoredUser } | null>
  listSessions(userId: string, page: Page): Promise<StoredSession[]>
  insertSession(session: StoredSession): Promise<void>
  /** Notes that the session is in use. Nothing if it has ended: a late note brings none back. */
  touchSession(id: string, lastUsedAt: number): Promise<void>
  /** Gives the session another secret, if it has not ended. */
  rotateSession(id: string, secretHash: string): Promise<void>
  deleteSession(id: string): Promise<void>
  /** Ends every session of a user, but for the one named by `except`. */
  deleteSessionsOf(userId: string, except?: string): Promise<void>
  /** Ends the user's oldest sessions, but for the newest `keep`. */
  deleteOldestSessionsOf(userId: string, keep: number): Promise<void>
  /** Ends every session of everybody. */
  deleteAllSessions(): Promise<void>

  /**
   * Marks a flow as used. Of any number of calls with the same `id`, at once or in turn, in one process
   * or several, exactly one gets `true`.
   * @param expiresAt When the mark may be forgotten: not before the flow itself has expired.
   */
  useFlow(id: string, expiresAt: number): Promise<boolean>
  /**
   * Forgets what expired before `now`, and sessions last used before `unusedSince`, at most `limit` rows
   * of a kind.
   * @returns whether there may be more
   */
  deleteExpired(now: number, unusedSince: number, limit: number): Promise<boolean>
}

export interface Store extends StoreQueries {
  /** Makes the store ready, and its tables if they are missing or old. Safe to repeat, also at once. */
  open(): Promise<void>
  /** Undoes one `open`; the last one closes the store. */
  close(): Promise<void>
  /**
   * All of `work` or none of it, as if every other transaction came before or after it: what `work` has
   * read by id or by subject stays as it is until the end. `work` must await nothing but the queries it
   * is given, for others may wait for it, and let through what they throw. It may be run again if another
   * process got in between, or if it throws `ConflictError`.
   */
  transaction<T>(durability: Durability, work: (queries: StoreQueries) => Promise<T>): Promise<T>
  /**
   * Lets a cache of sessions be kept. Without this method nothing is cached, and each request asks.
   * @param forget Told of each change: of one made through this store before it is acknowledged, of one
   *   made by another process as soon as that is known.
   * @param warn Told what an operator should know, such as that changes by others are not heard of.
   */
  watch?(forget: (change: Change) => void, warn: (message: string) => void): Watch
}

/** How far what was read from a store before can be trusted. */
export interface Watch {
  /**
   * Whether all that is to be forgotten has been told, as far as can be known without waiting. Asked for
   * every request, after which nothing is waited for; while it is `false`, nothing read before counts.
   */
  isCurrent(): boolean
  /** How long what was read may be trusted whatever was told, in milliseconds; maybe `Infinity`. */
  readonly maxAge: number
  stop(): void
}

/** Thrown by the work of a transaction that has met another one's traces, to be run again. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError'
}
