import type { FastifyBaseLogger } from 'fastify'
import type { LatchkeyEventSource } from '../settings.ts'
import type { Change, EndReason } from '../store/store.ts'
import type { HeldSessions } from './held-sessions.ts'
import type { SessionCache } from './session-cache.ts'
import type { SessionEnd } from './session-verdict.ts'

/**
 * The only place where this server registers that a session has ended, regardless of how it ended or what
 * noticed it. It promises that the cache no longer contains the session, that every holder is notified, and
 * that one log line and one `session-ended` event are emitted.
 */
export interface SessionEnds {
  /** Handles a change that the store reports. A change may be reported twice. */
  changed(change: Change): void
  /**
   * Handles the end of a session that this server noticed.
   * @param isFinal Whether the session is deleted. An expired session can come back if a clock or
   *   an option is corrected.
   */
  report(end: SessionEnd, isFinal: boolean): void
  /** Returns why a session ended, if this server noticed it recently. */
  reasonOf(sessionId: string): EndReason | undefined
  /** Withdraws an end that was not final, because the session was read again and is open. */
  disprove(sessionId: string): void
}

/** The parts of an end that are remembered, so that it is reported only once. */
interface Remembered {
  readonly reason: EndReason
  /**
   * Whether the session is deleted, rather than only over according to this server's clock, its options or an
   * old result.
   */
  readonly isFinal: boolean
}

/** The number of ends that are remembered. */
const REMEMBERED = 10_000

export function createSessionEnds(parts: {
  readonly cache: SessionCache
  readonly held: HeldSessions
  readonly events: LatchkeyEventSource
  readonly log: FastifyBaseLogger
  clock(): number
  /** Reads these sessions, and reports those that have ended. The map contains their users. */
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

  /** Reports a deletion without a reason, but only if this server knew the session. */
  function reportUnexplained(sessionId: string, userId: string): void {
    const known = cache.find(sessionId) ?? held.find(sessionId)
    if (known === undefined) return
    report({ sessionId, userId, reason: clock() >= known.until ? 'expired' : 'unknown' }, true)
  }

  /** Reads all known sessions again, because some may have begun after all were ended. */
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
