import type { FastifyBaseLogger } from 'fastify'
import type { LatchkeyEventSource } from '../settings.ts'
import type { Change, EndReason } from '../store/store.ts'
import type { HeldSessions } from './held-sessions.ts'
import type { SessionCache } from './session-cache.ts'
import type { SessionEnd } from './session-verdict.ts'

/**
 * The one place where this server learns that a session has ended, however it ended and whoever noticed.
 * It promises that the cache no longer has the session, that everyone who waits for its end is told, and
 * that the log and the application (`session-ended`) hear of it once.
 */
export interface SessionEnds {
  /** Takes a change that the store reports. It may be reported twice. */
  changed(change: Change): void
  /**
   * Takes an end that was noticed here.
   * @param isFinal Whether the session is gone for good. One that has expired may come back, by a clock or by
   *   options that are put right.
   */
  report(end: SessionEnd, isFinal: boolean): void
  /** Why a session ended, if this server has heard of it lately. */
  reasonOf(sessionId: string): EndReason | undefined
  /** Takes back an end that was not final: the session was read, and is open. */
  disprove(sessionId: string): void
}

/** What is remembered of an end, so that it is reported once. */
interface Remembered {
  readonly reason: EndReason
  /** Whether the session is gone, and not only over by this server's clock, options or an old answer. */
  readonly isFinal: boolean
}

/** How many ends are remembered. */
const REMEMBERED = 10_000

export function createSessionEnds(parts: {
  readonly cache: SessionCache
  readonly held: HeldSessions
  readonly events: LatchkeyEventSource
  readonly log: FastifyBaseLogger
  clock(): number
  /** Reads these sessions, given with their users, and reports those that have ended. */
  reportMissing(userIds: ReadonlyMap<string, string>, reason: EndReason): void
}): SessionEnds {
  const { cache, held, events, log, clock, reportMissing } = parts
  const ends = new Map<string, Remembered>()

  function report(end: SessionEnd, isFinal: boolean): void {
    const { sessionId, userId, reason } = end
    cache.forget({ session: sessionId })
    const known = ends.get(sessionId)
    if (known === undefined || (isFinal && !known.isFinal)) {
      remember(sessionId, { reason: known?.reason ?? reason, isFinal })
    }
    if (known === undefined) {
      log.info({ event: 'session-ended', sessionId, userId, reason }, 'session ended')
      events.emit('session-ended', { sessionId, userId, reason })
    }
    held.changed({ session: sessionId, user: userId, ended: reason })
  }

  function remember(sessionId: string, end: Remembered): void {
    ends.set(sessionId, end)
    if (ends.size <= REMEMBERED) return
    const [oldest] = ends.keys()
    if (oldest !== undefined) ends.delete(oldest)
  }

  /** A deletion without a reason is reported only if this server knew the session. */
  function reportUnexplained(sessionId: string, userId: string): void {
    const known = cache.find(sessionId) ?? held.find(sessionId)
    if (known === undefined) return
    report({ sessionId, userId, reason: clock() >= known.until ? 'expired' : 'unknown' }, true)
  }

  /** Some that are known here may have begun since. */
  function reportEveryone(reason: EndReason): void {
    const known = new Map<string, string>()
    for (const { auth } of cache.all()) known.set(auth.session.id, auth.user.id)
    for (const { sessionId, userId } of held.all()) known.set(sessionId, userId)
    cache.forget('everything')
    reportMissing(known, reason)
  }

  return {
    report,
    reasonOf: (sessionId) => ends.get(sessionId)?.reason,
    disprove(sessionId) {
      if (ends.get(sessionId)?.isFinal === false) ends.delete(sessionId)
    },

    changed(change) {
      if (change === 'everything') {
        cache.forget(change)
        held.changed(change)
      } else if ('everyone' in change) reportEveryone(change.everyone)
      else if ('ended' in change) {
        const { session: sessionId, user: userId, ended: reason } = change
        if (reason === 'unknown') reportUnexplained(sessionId, userId)
        else report({ sessionId, userId, reason }, true)
        cache.forget(change)
      } else {
        cache.forget(change)
        held.changed(change)
      }
    },
  }
}
