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

export interface FoundSession {
  readonly session: StoredSession
  readonly user: StoredUser
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

/** Why a session ended. `unknown` where nobody said, as when its row was deleted by hand. */
export type EndReason =
  | 'sign-out'
  | 'revoked'
  | 'replaced'
  | 'expired'
  | 'banned'
  | 'deleted'
  | 'limit'
  | 'workspace'
  | 'unknown'

/** Why sessions are ended, and by whom. */
export interface Ending {
  readonly reason: EndReason
  /** The id of the user who ended them, or `null` for the application. */
  readonly actor: string | null
}

/**
 * What makes an earlier answer of the store untrue. A session has changed (it has another secret, say),
 * has ended, or every session has; a user has changed; or anything may have.
 */
export type Change =
  | { readonly session: string }
  | { readonly session: string; readonly user: string; readonly ended: EndReason }
  | { readonly user: string }
  | { readonly everyone: EndReason }
  | 'everything'

/** Reads and writes, each by itself, or together inside `Store.transaction`. */
export interface StoreQueries
  extends UserQueries,
    IdentityQueries,
    SessionQueries,
    SessionEndQueries,
    FlowQueries,
    ExpiryQueries {}

export interface UserQueries {
  findUser(id: string): Promise<StoredUser | null>
  listUsers(page: Page): Promise<StoredUser[]>
  insertUser(user: StoredUser): Promise<void>
  /** Replaces everything but `createdAt`. */
  updateUser(user: StoredUser): Promise<void>
  /** Deletes the user's identities too, and ends their sessions. */
  deleteUser(id: string, ending: Ending): Promise<void>
}

export interface IdentityQueries {
  findIdentity(provider: string, subject: string): Promise<StoredIdentity | null>
  /** `false`, with nothing written, if there is one with this provider and subject already. */
  insertIdentity(identity: StoredIdentity): Promise<boolean>
  /** Replaces `attributes` and `lastUsedAt`. */
  updateIdentity(identity: StoredIdentity): Promise<void>
}

export interface SessionQueries {
  findSession(id: string): Promise<FoundSession | null>
  /** Returns those of the sessions that there are, in any order. */
  findSessions(ids: readonly string[]): Promise<FoundSession[]>
  listSessions(userId: string, page: Page): Promise<StoredSession[]>
  insertSession(session: StoredSession): Promise<void>
  /**
   * Stores when sessions were last used, except where the stored time is `recent` already. It never
   * brings an ended session back.
   * @returns the ids that were updated. The others have ended, or another server was quicker.
   */
  touchSessions(
    ids: readonly string[],
    lastUsedAt: number,
    recent: { readonly from: number; readonly to: number },
  ): Promise<string[]>
  /** Gives the session another secret, if it has not ended. */
  rotateSession(id: string, secretHash: string): Promise<void>
}

export interface SessionEndQueries {
  deleteSession(id: string, ending: Ending): Promise<void>
  /** Ends every session of a user, except the one named by `except`. */
  deleteSessionsOf(userId: string, ending: Ending, except?: string): Promise<void>
  /** Ends the user's oldest sessions, except the newest `keep`. */
  deleteOldestSessionsOf(userId: string, keep: number, ending: Ending): Promise<void>
  /** Ends every session of everybody. */
  deleteAllSessions(ending: Ending): Promise<void>
  /** Returns why sessions have ended, by id, as far as that is still recorded. */
  findEnds(sessionIds: readonly string[]): Promise<ReadonlyMap<string, EndReason>>
}

export interface FlowQueries {
  /**
   * Marks a flow as used. Of any number of calls with the same `id`, at once or in turn, in one process
   * or several, exactly one gets `true`.
   * @param expiresAt When the mark may be forgotten: not before the flow itself has expired.
   */
  useFlow(id: string, expiresAt: number): Promise<boolean>
}

export interface ExpiryQueries {
  /**
   * Deletes what expired before `now`, and sessions last used before `unusedSince`, at most `limit` rows
   * of each kind.
   * @returns the sessions, and whether there may be more to delete
   */
  deleteExpired(
    now: number,
    unusedSince: number,
    limit: number,
  ): Promise<{ sessions: { id: string; userId: string }[]; more: boolean }>
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
   * Makes it possible to cache sessions. With a store that lacks this method every request reads its
   * session, and whoever waits for the end of one learns of it within a second.
   * @param changed Called for each change: for one made through this store before it is acknowledged, for
   *   one made by another process as soon as it is known. It may be called twice for the same change.
   * @param warn Called with what an operator should know, such as that notifications do not arrive.
   */
  watch?(changed: (change: Change) => void, warn: (message: string) => void): Watch
}

/** How far earlier answers of a store can be relied on. */
export interface Watch {
  /**
   * Whether every change has been reported, as far as can be known without waiting. Called for every
   * request. While it is `false`, no earlier answer counts, but it may count again later.
   */
  isCurrent(): boolean
  /** Whether every change after an answer that is given now will be reported, sooner or later. */
  isFollowing(): boolean
  /**
   * Makes the store look for changes by itself, although nothing calls `isCurrent()`.
   * @returns a function that ends this
   */
  attend(): () => void
  stop(): void
}

/** Thrown by the work of a transaction that has met another one's traces, to be run again. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError'
}
