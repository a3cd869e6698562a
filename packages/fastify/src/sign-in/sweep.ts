import type { Sessions } from '../sessions/session.ts'
import { CLOCK_TOLERANCE } from '../sessions/session-life.ts'
import type { Settings } from '../settings.ts'

/** The shortest time between two sweeps, in milliseconds, and the most rows of each kind that one deletes. */
const SWEEP_INTERVAL = 60 * 1000
const SWEEP_LIMIT = 1000

/**
 * Returns a function that deletes expired flows and sessions from the store, at most once a minute. If rows
 * were left over, its next call deletes them.
 */
export function createSweep(
  { clock, session: { idleTimeout }, store }: Settings,
  sessions: Sessions,
): () => Promise<void> {
  let sweepAt = 0

  return async () => {
    const now = clock()
    // Also after a clock that was far ahead has been put right.
    if (now < sweepAt && sweepAt - now <= SWEEP_INTERVAL) return
    sweepAt = now + SWEEP_INTERVAL
    // What is over only by a clock that is ahead is not over for others.
    const over = now - CLOCK_TOLERANCE
    const swept = await store.deleteExpired(over, over - idleTimeout, SWEEP_LIMIT)
    sessions.reportEnds(
      swept.sessions.map(({ id, userId }) => ({ sessionId: id, userId, reason: 'expired' })),
    )
    if (swept.more) sweepAt = now
  }
}
