import type { Change, Watch } from '../store/store.ts'
import type { Opened } from './auth.ts'

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

interface Entry extends Opened {
  readonly token: string
  /** Whether it was asked for since it was last looked at for removal. */
  used: boolean
}

/** The most sessions that are kept. They are some 900 bytes each. */
const LIMIT = 50_000

/** @param watch Absent for a store that cannot be watched, with which nothing is cached. */
export function createSessionCache(watch: Watch | undefined): SessionCache {
  const byToken = new Map<string, Entry>()
  const bySessionId = new Map<string, Entry>()
  const byUserId = new Map<string, Set<Entry>>()
  const readings = new Set<Reading>()
  /** The reading of a token that others may share. */
  const shared = new Map<string, Reading>()
  /**
   * Only while there are too many: an iterator that stands still keeps every table that its map has
   * outgrown or cleared.
   */
  let hand: MapIterator<Entry> | undefined

  function forget(change: Change): void {
    for (const reading of readings) {
      if (!concerns(change, reading.token)) continue
      reading.isOutdated = true
      shared.delete(reading.token)
    }
    if (change === 'everything' || 'everyone' in change) {
      for (const entry of byToken.values()) entry.isHeld = false
      for (const entries of [byToken, bySessionId, byUserId]) entries.clear()
      hand = undefined
    } else if ('session' in change) {
      remove(bySessionId.get(change.session))
    } else {
      for (const entry of byUserId.get(change.user) ?? []) remove(entry)
    }
  }

  function remove(entry: Entry | undefined): void {
    if (entry === undefined) return
    const { session, user } = entry.auth
    entry.isHeld = false
    byToken.delete(entry.token)
    bySessionId.delete(session.id)
    const others = byUserId.get(user.id)
    others?.delete(entry)
    if (others?.size === 0) byUserId.delete(user.id)
  }

  function keep(token: string, opened: Opened): Opened {
    const known = byToken.get(token)
    // Read again, it stays where it is.
    if (known !== undefined) {
      const { auth, until, touchAt, readAt } = opened
      return Object.assign(known, { auth, until, touchAt, readAt })
    }
    const { session, user } = opened.auth
    // A session has one secret at a time, and so one entry.
    remove(bySessionId.get(session.id))
    // New entries start unused, so that one-time visitors do not evict frequent ones.
    const entry = Object.assign(opened, { token: ownCopy(token), used: false, isHeld: true })
    byToken.set(entry.token, entry)
    bySessionId.set(session.id, entry)
    byUserId.set(user.id, (byUserId.get(user.id) ?? new Set()).add(entry))
    if (byToken.size > LIMIT) removeUnused()
    else hand = undefined
    return entry
  }

  /** The clock algorithm: the hand goes round, and removes what was not used since its last visit. */
  function removeUnused(): void {
    for (;;) {
      hand ??= byToken.values()
      const { value: entry } = hand.next()
      if (entry === undefined) hand = undefined
      else if (entry.used) entry.used = false
      else {
        remove(entry)
        return
      }
    }
  }

  function startReading(token: string, read: () => Promise<Opened | null>): Reading {
    const reading: Reading = { token, isOutdated: false, answer: Promise.resolve(null) }
    reading.answer = (async () => {
      try {
        const opened = await read()
        if (opened !== null) return reading.isOutdated ? opened : keep(token, opened)
        remove(byToken.get(token))
        return null
      } finally {
        readings.delete(reading)
        if (shared.get(token) === reading) shared.delete(token)
      }
    })()
    readings.add(reading)
    return reading
  }

  return {
    get(token) {
      if (watch === undefined || !watch.isCurrent()) return undefined
      const entry = byToken.get(token)
      if (entry !== undefined) entry.used = true
      return entry
    },

    vouchesFor: (opened) => opened.isHeld && watch?.isCurrent() === true,

    async fill(token, read) {
      if (watch === undefined || !watch.isFollowing()) return read()
      // One that was sent before the last change may not have heard of it.
      if (!watch.isCurrent()) return startReading(token, read).answer
      const underWay = shared.get(token) ?? startReading(token, read)
      shared.set(token, underWay)
      return underWay.answer
    },

    forget,
    find: (sessionId) => bySessionId.get(sessionId),
    all: () => byToken.values(),
  }
}

interface Reading {
  readonly token: string
  answer: Promise<Opened | null>
  /** Whether something has changed since it began. */
  isOutdated: boolean
}

/** Whether a change may make an answer about this token untrue. Whose session it is, nobody knows yet. */
function concerns(change: Change, token: string): boolean {
  return change === 'everything' || !('session' in change) || token.startsWith(`${change.session}.`)
}

/** A part of a `Cookie` header would keep all of it in memory. */
function ownCopy(token: string): string {
  return Buffer.from(token, 'latin1').toString('latin1')
}
