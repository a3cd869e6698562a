import type { Session } from '@latchkey/contract'
import type { Settings } from '../settings.ts'
import type { FoundSession, StoredSession } from '../store/store.ts'

/**
 * The maximum difference between the clocks of two servers, and the maximum correction of one clock, in
 * milliseconds. It is an hour, because mistakes with daylight saving time are common.
 */
export const CLOCK_TOLERANCE: number = 60 * 60 * 1000

/** Returns when a session ends if it is not used after `lastUsedAt`, according to the current options. */
export function endOf(
  { session: { idleTimeout, lifetime } }: Settings,
  { createdAt, expiresAt }: Session,
  lastUsedAt: number,
): number {
  return Math.min(expiresAt, createdAt + lifetime, lastUsedAt + idleTimeout)
}

/** Returns why a session's time is over, or `null` if it is not. */
export function whyEnded(
  settings: Settings,
  session: StoredSession,
  lastUsedAt: number,
): 'expired' | 'from the future' | null {
  const now = settings.clock()
  // Negated, so that a session with an invalid time counts as expired.
  if (!(endOf(settings, session, lastUsedAt) > now)) return 'expired'
  // It was created on a server whose clock was far ahead, and would outlast every other session.
  if (session.createdAt > now + CLOCK_TOLERANCE) return 'from the future'
  return null
}

/** Returns why a stored session is not open, or `null` if it is. */
export function whyOver(
  settings: Settings,
  { session, user }: FoundSession,
  lastUsedAt: number,
): 'expired' | 'from the future' | 'banned' | null {
  return whyEnded(settings, session, lastUsedAt) ?? (user.bannedAt === null ? null : 'banned')
}
