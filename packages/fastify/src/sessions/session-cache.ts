import type { Change, Watch } from '../store/store.ts'
import type { Opened } from './auth.ts'
import { createCachedSessions } from './cached-sessions.ts'
import { createReadings } from './shared-reads.ts'

/**
 * The sessions used lately, in this process's memory, so that most requests read nothing from the store.
 * It promises:
 *
 * - It never says no. What it does not hold, or cannot vouch for now, is read from the store.
 * - It never says yes to a session that this process has ended: the entry is gone before the end is
 *   acknowledged, and an answer that was on its way is not kept.
 * - What others end, it learns from the store (`Store.watch`). While the store does not know of all
 *   changes, no entry counts; it counts again when the store does, unless its session has changed.
 * - It is bounded, and keeps what is in use.
 *
 * It is looked up by the cookie's whole value, in a hash table: only someone who knows the secret finds the
 * entry, and the time that takes says nothing about a secret that is nearly right.
 */
export interface SessionCache {
  /** The session that a cookie's value opens, if that is known. */
  get(token: string): Opened | undefined
  /** Whether a session that was read before is still known to be open. */
  vouchesFor(opened: Opened): boolean
  /**
   * Returns the result of `read` and caches it, unless the session changed in the meantime. Concurrent
   * calls for the same token share one read.
   */
  fill(token: string, read: () => Promise<Opened | null>): Promise<Opened | null>
  /** Removes what a change makes untrue. */
  forget(change: Change): void
  /** Returns the session with this id, if it is held, even while it does not count. */
  find(sessionId: string): Opened | undefined
  /** Returns every session that is held. */
  all(): Iterable<Opened>
}

/** @param watch Absent for a store that cannot be watched, with which nothing is cached. */
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
      // One that was sent before the last change may not have heard of it.
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
