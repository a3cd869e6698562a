import type { Auth } from './session.ts'
import type { Change, Store, Watch } from './store.ts'

/**
 * The sessions used lately, in this process's memory, so that most requests ask nobody. It promises:
 *
 * - It never says no. What it does not hold, or can no longer vouch for, is asked of the store.
 * - It never says yes to a session that this process has ended: that is forgotten before the ending is
 *   acknowledged, and an answer that was on its way meanwhile is not kept.
 * - Of what others end it hears from the store (`Store.watch`). While the store cannot hear, nothing
 *   is taken from here.
 * - It is bounded, and keeps what is in use.
 *
 * It is asked by the cookie's whole value, in a hash table: only who knows the secret finds the entry, and
 * how long the search takes says nothing of a secret that is nearly right.
 */
export interface SessionCache {
  /** The session that a cookie's value opens, if that is known. `now` is the clock's. */
  get(token: string, now: number): CachedSession | undefined
  /**
   * Gives what `read` finds, and keeps it unless it has changed meanwhile. Many who ask for the same at
   * once are given one answer.
   */
  fill(token: string, now: number, read: () => Promise<Opened | null>): Promise<Opened | null>
  close(): void
}

/** A session and when it ends. All times are milliseconds since the Unix epoch. */
export interface Opened {
  auth: Auth
  /** When it is over unless it is used meanwhile. */
  until: number
  /** When its next use is to be noted in the store. */
  touchAt: number
}

export interface CachedSession extends Opened {
  readonly token: string
  readAt: number
  /** Whether it was asked for again since it was last looked at for removal. */
  used: boolean
}

/** The most sessions that are kept. They are some 900 bytes each. */
const LIMIT = 50_000

export function createSessionCache(store: Store, warn: (message: string) => void): SessionCache {
  const byToken = new Map<string, CachedSession>()
  const bySessionId = new Map<string, CachedSession>()
  const byUserId = new Map<string, Set<CachedSession>>()
  const readings = new Map<string, Reading>()
  /**
   * Only while there are too many: an iterator that stands still keeps every table that its map has
   * outgrown or cleared.
   */
  let hand: MapIterator<CachedSession> | undefined
  // Last, since a store may have something to tell at once.
  const watch: Watch | undefined = store.watch?.(forget, warn)

  function forget(change: Change): void {
    for (const [token, reading] of readings) {
      if (change === 'everything' || !('session' in change) || isTokenOf(token, change.session)) {
        reading.outdated = true
        readings.delete(token)
      }
    }
    if (change === 'everything') {
      for (const entries of [byToken, bySessionId, byUserId]) entries.clear()
      hand = undefined
    } else if ('session' in change) {
      remove(bySessionId.get(change.session))
    } else {
      for (const entry of byUserId.get(change.user) ?? []) remove(entry)
    }
  }

  function remove(entry: CachedSession | undefined): void {
    if (entry === undefined) return
    const { session, user } = entry.auth
    byToken.delete(entry.token)
    bySessionId.delete(session.id)
    const others = byUserId.get(user.id)
    others?.delete(entry)
    if (others?.size === 0) byUserId.delete(user.id)
  }

  function keep(token: string, now: number, opened: Opened): CachedSession {
    const known = byToken.get(token)
    // Read again, it stays where it is.
    if (known !== undefined) return Object.assign(known, opened, { readAt: now })
    const { session, user } = opened.auth
    // A session has one secret at a time, and so one entry.
    remove(bySessionId.get(session.id))
    // Not yet `used`: who comes once is not to push out who comes often.
    const entry = Object.assign(opened, { token: ownCopy(token), readAt: now, used: false })
    byToken.set(entry.token, entry)
    bySessionId.set(session.id, entry)
    byUserId.set(user.id, (byUserId.get(user.id) ?? new Set()).add(entry))
    if (byToken.size > LIMIT) removeUnused()
    else hand = undefined
    return entry
  }

  /** The clock algorithm: the hand goes round, and who was not used since its last visit goes. */
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

  return {
    get(token, now) {
      if (watch === undefined || !watch.isCurrent()) return undefined
      const entry = byToken.get(token)
      if (entry === undefined) return undefined
      const age = now - entry.readAt
      // A clock that was put back vouches for nothing either.
      if (!(age >= 0 && age < watch.maxAge)) return undefined
      entry.used = true
      return entry
    },

    fill(token, now, read) {
      if (watch === undefined || !watch.isCurrent()) return read()
      const underWay = readings.get(token)
      if (underWay !== undefined) return underWay.answer
      const reading: Reading = { outdated: false, answer: Promise.resolve(null) }
      reading.answer = (async () => {
        try {
          const opened = await read()
          if (opened !== null) return reading.outdated ? opened : keep(token, now, opened)
          remove(byToken.get(token))
          return null
        } finally {
          if (readings.get(token) === reading) readings.delete(token)
        }
      })()
      readings.set(token, reading)
      return reading.answer
    },

    close: () => watch?.stop(),
  }
}

interface Reading {
  answer: Promise<Opened | null>
  /** Whether something has changed since it began. */
  outdated: boolean
}

function isTokenOf(token: string, sessionId: string): boolean {
  return token.startsWith(`${sessionId}.`)
}

/** A part of a `Cookie` header would keep all of it in memory. */
function ownCopy(token: string): string {
  return Buffer.from(token, 'latin1').toString('latin1')
}
