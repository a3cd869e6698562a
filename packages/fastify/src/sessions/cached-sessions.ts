import type { Opened } from './auth.ts'

/**
 * A bounded set of sessions, found by token, by session or by user. It evicts unused sessions
 * first.
 */
export interface CachedSessions {
  get(token: string): Opened | undefined
  find(sessionId: string): Opened | undefined
  all(): Iterable<Opened>
  /** Adds or updates a session, and returns the object that represents it from now on. */
  keep(token: string, opened: Opened): Opened
  removeToken(token: string): void
  removeSession(sessionId: string): void
  removeUser(userId: string): void
  clear(): void
}

interface Entry extends Opened {
  readonly token: string
  /** Whether it was requested since it was last considered for removal. */
  used: boolean
}

/** The maximum number of sessions in the cache. Each one takes up about 900 bytes. */
const LIMIT = 50_000

export function createCachedSessions(): CachedSessions {
  const byToken = new Map<string, Entry>()
  const bySessionId = new Map<string, Entry>()
  const byUserId = new Map<string, Set<Entry>>()
  /**
   * Set only while there are too many sessions, because a paused iterator keeps in memory every internal
   * table that its map has outgrown or cleared.
   */
  let hand: MapIterator<Entry> | undefined

  function add(token: string, opened: Opened): Entry {
    const { session, user } = opened.auth
    // New entries start unused, so that one-time visitors do not evict frequent ones.
    const entry = Object.assign(opened, { token: ownCopy(token), used: false, isHeld: true })
    byToken.set(entry.token, entry)
    bySessionId.set(session.id, entry)
    byUserId.set(user.id, (byUserId.get(user.id) ?? new Set()).add(entry))
    return entry
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

  /**
   * Implements the clock algorithm: the hand moves around, and removes the first session that was not used
   * since its last visit.
   */
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
    get(token) {
      const entry = byToken.get(token)
      if (entry !== undefined) entry.used = true
      return entry
    },

    find: (sessionId) => bySessionId.get(sessionId),
    all: () => byToken.values(),

    keep(token, opened) {
      const known = byToken.get(token)
      // The session keeps its place in the order.
      if (known !== undefined) {
        const { auth, until, touchAt, readAt } = opened
        return Object.assign(known, { auth, until, touchAt, readAt })
      }
      // A session has one secret at a time, and therefore one entry.
      remove(bySessionId.get(opened.auth.session.id))
      const entry = add(token, opened)
      if (byToken.size > LIMIT) removeUnused()
      else hand = undefined
      return entry
    },

    removeToken: (token) => remove(byToken.get(token)),
    removeSession: (sessionId) => remove(bySessionId.get(sessionId)),
    removeUser(userId) {
      for (const entry of byUserId.get(userId) ?? []) remove(entry)
    },

    clear() {
      for (const entry of byToken.values()) entry.isHeld = false
      for (const entries of [byToken, bySessionId, byUserId]) entries.clear()
      hand = undefined
    },
  }
}

/** Copies the token, because a substring would keep the whole `Cookie` header in memory. */
function ownCopy(token: string): string {
  return Buffer.from(token, 'latin1').toString('latin1')
}
