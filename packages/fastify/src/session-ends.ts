import type { FastifyBaseLogger } from 'fastify'
import type { Events } from './events.ts'
import type { HeldSessions } from './held-sessions.ts'
import type { SessionCache } from './session-cache.ts'
import type { Change, EndReason } from './store.ts'

/** The end of a session, as this server came to know of it. */
export interface SessionEnd {
  readonly sessionId: string
  readonly userId: string
  readonly reason: EndReason
}

/**
 * The one place where this server learns that a session has ended, however it ended and whoever noticed.
 * It promises that the cache no longer has the session, that everyone who waits for its end is told, and
 * that the log and the application (`session-ended`) hear of it once.
 */
export interface SessionEnds {
  /** Takes a change that the store reports. It may be reported twice. */
  changed(change: Change): void
  /** Takes an end that was noticed here, such as a cookie whose session has expired. */
  report(end: SessionEnd): void
  /** Why a session ended, if this server has heard of it lately. */
  reasonOf(sessionId: string): EndReason | undefined
  /** Takes an end back: the session was over by a clock or by options that have been put right since. */
  disprove(sessionId: string): void
}

/** How many ends are remembered, so that none is reported twice. */
const REMEMBERED = 10_000

export function createSessionEnds(parts: {
  readonly cache: SessionCache
  readonly held: HeldSessions
  readonly events: Events
  readonly log: FastifyBaseLogger
  clock(): number
}): SessionEnds {
  const { cache, held, events, log, clock } = parts
  const reasons = new Map<string, EndReason>()

  function report(end: SessionEnd): void {
    const { sessionId, userId, reason } = end
    cache.forget({ session: sessionId })
    if (!reasons.has(sessionId)) {
      remember(sessionId, reason)
      log.info({ event: 'session-ended', sessionId, userId, reason }, 'session ended')
      events.emit('session-ended', { sessionId, userId, reason })
    }
    held.changed({ session: sessionId, user: userId, ended: reason })
  }

  function remember(sessionId: string, reason: EndReason): void {
    reasons.set(sessionId, reason)
    if (reasons.size <= REMEMBERED) return
    const [oldest] = reasons.keys()
    if (oldest !== undefined) reasons.delete(oldest)
  }

  /** What was deleted by hand, or as it was over long ago, is news only where the session was known. */
  function reportUnexplained(sessionId: string, userId: string): void {
    const known = cache.find(sessionId) ?? held.find(sessionId)
    if (known === undefined) return
    report({ sessionId, userId, reason: clock() >= known.until ? 'expired' : 'unknown' })
  }

  function reportEveryone(reason: EndReason): void {
    const known = new Map<string, string>()
    for (const { auth } of cache.all()) known.set(auth.session.id, auth.user.id)
    for (const { sessionId, userId } of held.all()) known.set(sessionId, userId)
    cache.forget({ everyone: reason })
    for (const [sessionId, userId] of known) report({ sessionId, userId, reason })
  }

  return {
    report,
    reasonOf: (sessionId) => reasons.get(sessionId),
    disprove: (sessionId) => reasons.delete(sessionId),

    changed(change) {
      if (change === 'everything') {
        cache.forget(change)
        held.changed(change)
      } else if ('everyone' in change) reportEveryone(change.everyone)
      else if ('ended' in change) {
        const { session: sessionId, user: userId, ended: reason } = change
        if (reason === 'unknown') reportUnexplained(sessionId, userId)
        else report({ sessionId, userId, reason })
        cache.forget(change)
      } else {
        cache.forget(change)
        held.changed(change)
      }
    },
  }
}
