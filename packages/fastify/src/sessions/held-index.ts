import type { EndReason } from '../store/store.ts'
import type { Opened } from './auth.ts'

/**
 * A session whose end something on this server is waiting for. There is one entry per secret, so a rotation
 * ends the entry with the old secret.
 */
export interface HeldSession {
  readonly sessionId: string
  readonly userId: string
  readonly secretHash: string
  /** When it ends if it is not used before then, as far as this server knows. */
  until: number
  /** When it ends in any case. */
  readonly expiresAt: number
  readonly holders: Set<(reason: EndReason) => void>
}

/** The held sessions, found by session and by user. */
export interface HeldIndex {
  /** Returns the held session with this id and secret. Adds it if it is missing. */
  add(opened: Opened): HeldSession
  remove(held: HeldSession): void
  ofSession(sessionId: string): readonly HeldSession[]
  ofUser(userId: string): Iterable<HeldSession>
  all(): HeldSession[]
  isEmpty(): boolean
  clear(): void
}

export function createHeldIndex(): HeldIndex {
  const bySession = new Map<string, readonly HeldSession[]>()
  const byUser = new Map<string, Set<HeldSession>>()

  return {
    add(opened) {
      const { session, user } = opened.auth
      const known = bySession.get(session.id) ?? []
      const same = known.find(({ secretHash }) => secretHash === opened.secretHash)
      if (same !== undefined) return same
      const held = heldBy(opened)
      bySession.set(session.id, [...known, held])
      byUser.set(user.id, (byUser.get(user.id) ?? new Set()).add(held))
      return held
    },

    remove(held) {
      const others = bySession.get(held.sessionId)?.filter((other) => other !== held) ?? []
      if (others.length > 0) bySession.set(held.sessionId, others)
      else bySession.delete(held.sessionId)
      const ofUser = byUser.get(held.userId)
      ofUser?.delete(held)
      if (ofUser?.size === 0) byUser.delete(held.userId)
    },

    ofSession: (sessionId) => bySession.get(sessionId) ?? [],
    ofUser: (userId) => byUser.get(userId) ?? [],
    all: () => [...bySession.values()].flat(),
    isEmpty: () => bySession.size === 0,

    clear() {
      bySession.clear()
      byUser.clear()
    },
  }
}

function heldBy({ auth: { session, user }, secretHash, until }: Opened): HeldSession {
  return {
    sessionId: session.id,
    userId: user.id,
    secretHash,
    until,
    expiresAt: session.expiresAt,
    holders: new Set(),
  }
}
