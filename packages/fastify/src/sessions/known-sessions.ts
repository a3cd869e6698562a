import type { EndReason } from '../store/store.ts'
import type { HeldSessions } from './held-sessions.ts'
import type { SessionCache } from './session-cache.ts'
import type { SessionEnds } from './session-ends.ts'
import type { StillOpen, Verdict } from './session-verdict.ts'

/**
 * The sessions that this server holds in memory, and a way to read many of them again in one query.
 */
export interface KnownSessions {
  readonly cache: SessionCache
  readonly held: HeldSessions
  readonly ends: SessionEnds
  readonly judge: (sessionIds: readonly string[]) => Promise<ReadonlyMap<string, Verdict>>
}

/**
 * Reads sessions again whose last use was not stored, either because another server was faster or because
 * they have ended.
 */
export async function readAgain(
  { cache, held, ends, judge }: KnownSessions,
  sessionIds: readonly string[],
): Promise<void> {
  // Look them up before the query, because the cache may drop a session in the meantime.
  const known = sessionIds.map((id) => cache.find(id)).filter((opened) => opened !== undefined)
  const userIds = new Map(known.map(({ auth: { session, user } }) => [session.id, user.id]))
  try {
    for (const [sessionId, verdict] of await judge(sessionIds)) {
      if (verdict.isOpen) {
        refresh(cache, sessionId, verdict)
        continue
      }
      const userId = userIds.get(sessionId) ?? held.find(sessionId)?.userId
      if (userId !== undefined) {
        ends.report({ sessionId, userId, reason: verdict.reason }, verdict.isFinal)
      }
    }
  } catch {
    // The failure is logged where it happened.
    for (const session of sessionIds) cache.forget({ session })
  }
}

function refresh(
  cache: SessionCache,
  sessionId: string,
  { secretHash, until, touchAt }: StillOpen,
): void {
  const opened = cache.find(sessionId)
  if (opened?.secretHash === secretHash) Object.assign(opened, { until, touchAt })
  else cache.forget({ session: sessionId })
}

/**
 * Reads sessions again, and reports those that have ended.
 * @param userIds The sessions' users, by session id.
 * @param reason Why they ended, unless the store has a more specific reason.
 */
export async function reportMissing(
  { held, ends, judge }: KnownSessions,
  userIds: ReadonlyMap<string, string>,
  reason: EndReason,
): Promise<void> {
  if (userIds.size === 0) return
  try {
    for (const [sessionId, verdict] of await judge([...userIds.keys()])) {
      const userId = userIds.get(sessionId)
      if (verdict.isOpen || userId === undefined) continue
      const why = verdict.reason === 'unknown' ? reason : verdict.reason
      ends.report({ sessionId, userId, reason: why }, verdict.isFinal)
    }
  } catch {
    // The failure is logged where it happened. Held sessions are read again later.
    held.doubt([...userIds.keys()])
  }
}
