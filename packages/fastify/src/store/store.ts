// The contract of a store, which keeps users, identities and sessions. `testing/store-contract.ts` contains
// the same contract as tests that every store must pass. All times are milliseconds since the Unix epoch.

/** A person's account, as it is stored. Times are milliseconds since the Unix epoch. */
export interface StoredUser {
  readonly id: string
  readonly name: string | null
  readonly email: string | null
  readonly emailVerified: boolean
  readonly avatarUrl: string | null
  readonly createdAt: number
  /** When the user was banned from signing in, or `null`. */
  readonly bannedAt: number | null
  /** What the user may do, in the application's own words, such as `admin`. Sorted, without duplicates. */
  readonly roles: readonly string[]
  /** Whether the application's `onUserCreated` has not completed yet. Such a user has no session. */
  readonly isPending: boolean
  /** Whether the user or the application has set `name`, so that a sign-in no longer replaces it. */
  readonly isNameEdited: boolean
}

/**
 * States that the provider's account `subject` belongs to this user. No two rows have the same provider and
 * subject.
 */
export interface StoredIdentity {
  readonly id: string
  readonly userId: string
  readonly provider: string
  /** The provider's permanent id for the person. */
  readonly subject: string
  /** Other names and ids that the provider has for the person, for display and support. */
  readonly attributes: Readonly<Record<string, string>>
  readonly createdAt: number
  readonly lastUsedAt: number
}

/** One browser signed in as a user, as it is stored. Times are milliseconds since the Unix epoch. */
export interface StoredSession {
  readonly id: string
  readonly userId: string
  readonly provider: string | null
  /** The SHA-256 hash of the cookie's secret, base64url. The secret itself is never stored. */
  readonly secretHash: string
  /** The browser and system, such as `Firefox on Linux`, or `null`. */
  readonly device: string | null
  readonly createdAt: number
  readonly authenticatedAt: number
  /** It may be up to a minute older than the last request. */
  readonly lastUsedAt: number
  readonly expiresAt: number
}

/** A session and its user. */
export interface FoundSession {
  readonly session: StoredSession
  readonly user: StoredUser
}

/** Selects a page of a list that is ordered from newest to oldest. */
export interface Page {
  /** The maximum number of rows to return. */
  readonly limit: number
  /** The last row of the previous page. Without it, the list starts at the newest row. */
  readonly after?: { readonly id: string; readonly createdAt: number } | undefined
}

/** What an acknowledged write survives: only the end of the process, or also a power loss. */
export type Durability = 'process' | 'power-loss'

/**
 * Why a session ended. It is `unknown` if no reason was recorded, for example because the row was deleted by
 * hand. `workspace` is not available yet.
 */
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

/** Why sessions are ended, and who ends them. */
export interface Ending {
  readonly reason: EndReason
  /** The id of the user who ends them, or `null` for the application. */
  readonly actor: string | null
}

/**
 * A change that invalidates earlier results of the store:
 *
 * - `session`: the session has changed, for example because its secret was rotated.
 * - `session`, `user` and `ended`: the user's session has ended, for this reason.
 * - `user`: the user has changed.
 * - `everyone`: all sessions have ended, for this reason.
 * - `'everything'`: anything may have changed.
 */
export type Change =
  | { readonly session: string }
  | { readonly session: string; readonly user: string; readonly ended: EndReason }
  | { readonly user: string }
  | { readonly everyone: EndReason }
  | 'everything'

/** The queries of a store. Call them on the store, one at a time, or inside `Store.transaction`. */
export interface StoreQueries
  extends UserQueries,
    IdentityQueries,
    SessionQueries,
    SessionEndQueries,
    FlowQueries,
    ExpiryQueries {}

export interface UserQueries {
  /** Returns the user, or `null` if the id is unknown. */
  findUser(id: string): Promise<StoredUser | null>
  /** Returns one page of users, from newest to oldest. */
  listUsers(page: Page): Promise<StoredUser[]>
  insertUser(user: StoredUser): Promise<void>
  /** Replaces every field except `createdAt`. */
  updateUser(user: StoredUser): Promise<void>
  /** Deletes the user and their identities, and ends their sessions. A no-op if the id is unknown. */
  deleteUser(id: string, ending: Ending): Promise<void>
}

export interface IdentityQueries {
  /** Returns the identity, or `null` if it is unknown. */
  findIdentity(provider: string, subject: string): Promise<StoredIdentity | null>
  /** Returns `false`, and writes nothing, if this provider and subject already have an identity. */
  insertIdentity(identity: StoredIdentity): Promise<boolean>
  /** Replaces `attributes` and `lastUsedAt`. */
  updateIdentity(identity: StoredIdentity): Promise<void>
}

export interface SessionQueries {
  /** Returns the session and its user, or `null` if the session is unknown or has ended. */
  findSession(id: string): Promise<FoundSession | null>
  /** Returns the existing sessions among these ids, in any order. */
  findSessions(ids: readonly string[]): Promise<FoundSession[]>
  /** Returns one page of a user's sessions, from newest to oldest. */
  listSessions(userId: string, page: Page): Promise<StoredSession[]>
  insertSession(session: StoredSession): Promise<void>
  /**
   * Stores when sessions were last used. Skips a session whose stored time is already `recent`, and
   * never brings an ended session back.
   * @returns the updated ids. The other sessions have ended, or another server was faster.
   */
  touchSessions(
    ids: readonly string[],
    lastUsedAt: number,
    recent: { readonly from: number; readonly to: number },
  ): Promise<string[]>
  /** Replaces the session's secret. A no-op if the session has ended. */
  rotateSession(id: string, secretHash: string): Promise<void>
}

export interface SessionEndQueries {
  /** Ends a session. A no-op if it is unknown. */
  deleteSession(id: string, ending: Ending): Promise<void>
  /** Ends every session of a user, except the one named by `except`. */
  deleteSessionsOf(userId: string, ending: Ending, except?: string): Promise<void>
  /** Ends the user's oldest sessions, keeping the newest `keep` sessions. */
  deleteOldestSessionsOf(userId: string, keep: number, ending: Ending): Promise<void>
  /** Ends every session of every user. */
  deleteAllSessions(ending: Ending): Promise<void>
  /** Returns why sessions ended, by id, as far as it is still recorded. */
  findEnds(sessionIds: readonly string[]): Promise<ReadonlyMap<string, EndReason>>
}

export interface FlowQueries {
  /**
   * Marks a flow as used. Exactly one call per `id` returns `true`, even if several calls run
   * concurrently or in several processes.
   * @param expiresAt When the mark may be deleted. It must not be earlier than the flow's own expiry.
   */
  useFlow(id: string, expiresAt: number): Promise<boolean>
}

export interface ExpiryQueries {
  /**
   * Deletes used flows and sessions that expired before `now`, and sessions last used before `unusedSince`.
   * It deletes at most `limit` rows of each kind.
   * @returns the deleted sessions, and whether there may be more to delete
   */
  deleteExpired(
    now: number,
    unusedSince: number,
    limit: number,
  ): Promise<{ sessions: { id: string; userId: string }[]; more: boolean }>
}

/**
 * Stores users, identities and sessions. Use `sqlite()`, `postgres()` or your own implementation. A store
 * must keep these promises:
 *
 * - An acknowledged write survives what its `Durability` says.
 * - A transaction is atomic, and isolated from other transactions.
 * - Watchers receive every change that invalidates an earlier result of this store.
 *
 * @example
 * const store: Store = sqlite('./data/latchkey.db')
 * await app.register(latchkey, { store })
 */
export interface Store extends StoreQueries {
  /**
   * Opens the store, and creates or migrates its tables if necessary. It can be called several times, even
   * concurrently.
   */
  open(): Promise<void>
  /** Undoes one call to `open`. The last such call closes the store. */
  close(): Promise<void>
  /**
   * Runs `work` in a serializable transaction: either all of it takes effect or none of it, and what `work`
   * reads by id or by subject does not change until the end.
   *
   * `work` must await nothing except the queries that it is passed, because other transactions may be waiting
   * for it. It must not catch the queries' errors. It may run again if another process interfered, or if it
   * throws `ConflictError`.
   *
   * @example
   * await store.transaction('power-loss', async (queries) => {
   *   const user = await queries.findUser(id)
   *   if (user !== null) await queries.updateUser({ ...user, bannedAt: Date.now() })
   * })
   */
  transaction<T>(durability: Durability, work: (queries: StoreQueries) => Promise<T>): Promise<T>
  /**
   * Reports changes, so that sessions can be cached. If a store does not have this method, every request
   * reads its session from the store, and open connections notice within a second that their session has
   * ended.
   * @param changed Called for each change. For a change made through this store, it is called before the
   *   change is acknowledged. For a change by another process, it is called as soon as the store notices it.
   *   It may be called twice for the same change.
   * @param warn Called with warnings for the operator, for example that notifications are not arriving.
   */
  watch?(changed: (change: Change) => void, warn: (message: string) => void): Watch
}

/** Returned by `Store.watch`. Tells whether earlier results of the store are still reliable. */
export interface Watch {
  /**
   * Whether every change so far has been reported, as far as the store can tell without waiting. Called for
   * every request. While it returns `false`, earlier results are not used. They may be used again later.
   */
  isCurrent(): boolean
  /** Whether every change from now on will be reported eventually. */
  isFollowing(): boolean
  /**
   * Makes the store look for changes on its own, even if nothing calls `isCurrent()`.
   * @returns a function that stops this
   */
  attend(): () => void
  /** Stops reporting changes and warnings. */
  stop(): void
}

/**
 * Throw this error inside a transaction that conflicts with another one, and the transaction runs again.
 *
 * @example
 * await store.transaction('process', async (queries) => {
 *   if ((await queries.findIdentity(identity.provider, identity.subject)) !== null) return
 *   if (!(await queries.insertIdentity(identity))) throw new ConflictError()
 * })
 */
export class ConflictError extends Error {
  override readonly name = 'ConflictError'
}
