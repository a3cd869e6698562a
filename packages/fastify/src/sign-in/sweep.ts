import type { Sessions } from '../sessions/session.ts'
import { CLOCK_TOLERANCE } from '../sessions/session-life.ts'
import type { Settings } from '../settings.ts'

/** The minimum time between two sweeps, in milliseconds. */
const SWEEP_INTERVAL = 60 * 1000

/** How many rows of each kind a sweep deletes at most. */
const SWEEP_LIMIT = 1000

/**
 * Returns a function that deletes expired flows and sessions from the store, at most once a minute. If it leaves
 * expired rows behind, the next call deletes more without waiting.
 */
export function createSweep(
  { clock, session: { idleTimeout }, store }: Settings,
  sessions: Sessions,
): () => Promise<void> {
  let sweepAt = 0

  return async () => {
    const now = clock()
    // The second condition also sweeps after a clock that was far ahead has been corrected.
    if (now < sweepAt && sweepAt - now <= SWEEP_INTERVAL) return
    sweepAt = now + SWEEP_INTERVAL
    // Allow for clock skew: on other servers, the rows may not have expired yet.
    const over = now - CLOCK_TOLERANCE
    const swept = await store.deleteExpired(over, over - idleTimeout, SWEEP_LIMIT)
    sessions.reportEnds(
      swept.sessions.map(({ id, userId }) => ({ sessionId: id, userId, reason: 'expired' })),
    )
    if (swept.more) sweepAt = now
  }
}
