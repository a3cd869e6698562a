import type { Change, Watch } from '../store/store.ts'
import type { Opened } from './auth.ts'
import { createCachedSessions } from './cached-sessions.ts'
import { createReadings } from './shared-reads.ts'

/**
 * The recently used sessions, in this process's memory, so that most requests do not read the
 * store. The cache guarantees the following:
 *
 * - It never rejects a session. If it does not have a session, or cannot currently vouch for it, the store is read.
 * - It never accepts a session that this process has ended. The entry is removed before the end is
 *   acknowledged, and the result of any read that is still in progress is not cached.
 * - The store reports the sessions that other processes end (`Store.watch`). While the store may have missed a change, no
 *   entry is used. Once it is up to date, entries are used again unless their session has changed.
 * - It is bounded, and evicts unused sessions first.
 *
 * Its hash table is keyed by the full value of the cookie. Only someone who knows the secret can find the
 * entry, and the time that a lookup takes does not reveal how close a guess is.
 */
export interface SessionCache {
  /** Returns the session that a cookie's value belongs to, if it is cached and current. */
  get(token: string): Opened | undefined
  /** Whether a session that was read earlier is still known to be open. */
  vouchesFor(opened: Opened): boolean
  /**
   * Returns the result of `read` and caches it, unless the session changed in the meantime. Concurrent
   * calls for the same token share one read.
   */
  fill(token: string, read: () => Promise<Opened | null>): Promise<Opened | null>
  /** Removes the entries that a change invalidates. */
  forget(change: Change): void
  /** Returns the session with this id, if it is cached, even while entries are not used. */
  find(sessionId: string): Opened | undefined
  /** Returns every cached session. */
  all(): Iterable<Opened>
}

/** @param watch `undefined` for a store that cannot be watched. In that case, nothing is cached. */
export function createSessionCache(watch: Watch | undefined): SessionCache {
  const cached = createCachedSessions()
  const readings = createReadings({ keep: cached.keep, removeToken: cached.removeToken })

  return {
    get(token) {
      return watch?.isCurrent() === true ? cached.get(token) : undefined
    },

    vouchesFor: (opened) => opened.isHeld && watch?.isCurrent() === true,

    async fill(token, read) {
      if (watch === undefined || !watch.isFollowing()) return read()
      // A read that was sent before the latest change may miss that change, so do not share it.
      return watch.isCurrent() ? readings.share(token, read) : readings.start(token, read)
    },

    forget(change) {
      readings.outdate(change)
      if (change === 'everything' || 'everyone' in change) cached.clear()
      else if ('session' in change) cached.removeSession(change.session)
      else cached.removeUser(change.user)
    },

    find: cached.find,
    all: cached.all,
  }
}
