import type { FastifyBaseLogger } from 'fastify'
import { withReference } from '../http/codes.ts'
import type { Store, StoredSession } from '../store/store.ts'
import { CLOCK_TOLERANCE } from './session-life.ts'

/**
 * Tracks when sessions were last used. The time of a session's last use is stored at most once a minute. Once
 * a second, all times that are due are written in one statement, no matter how many sessions are active.
 */
export interface SessionUse {
  /** Records that a session was used at `now`. The store is updated within about a second. */
  note(sessionId: string, now: number): void
  /** Returns when a session was last used, as far as this server knows. The store may be behind. */
  lastUseOf(session: Pick<StoredSession, 'id' | 'lastUsedAt'>): number
  /** Writes the remaining uses. */
  close(): Promise<void>
}

/** The age of a stored use at which the next one is stored, in milliseconds. */
export const USE_INTERVAL: number = 60 * 1000
/**
 * A stored use that is newer than this was written by another server, and is recent enough. In milliseconds.
 */
const GOOD_ENOUGH = 55 * 1000
/** The time for which uses are collected before they are stored, in milliseconds. */
const COLLECTING = 1000
/** The maximum number of sessions in one statement, so that other statements do not have to wait long. */
const MOST_AT_ONCE = 1000

interface UseOptions {
  readonly store: Store
  readonly log: FastifyBaseLogger
  /**
   * Called with sessions that were not updated, because they have ended or another server was
   * faster.
   */
  doubt(sessionIds: readonly string[]): void
}

export function createSessionUse({ store, log, doubt }: UseOptions): SessionUse {
  const uses = new Map<string, number>()
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> | undefined
  let isFailing = false
  let isClosed = false

  function schedule(): void {
    if (timer === undefined && writing === undefined && uses.size > 0 && !isClosed) {
      timer = setTimeout(write, COLLECTING).unref()
    }
  }

  function write(): void {
    clearTimeout(timer)
    timer = undefined
    writing = writeDown().finally(() => {
      writing = undefined
      schedule()
    })
  }

  async function writeDown(): Promise<void> {
    const batch = [...uses].slice(0, MOST_AT_ONCE)
    if (batch.length === 0) return
    const ids = batch.map(([id]) => id)
    // All of them get the earliest time, so a session can end up to a second early, but never late.
    const at = Math.min(...batch.map(([, time]) => time))
    try {
      const recent = { from: at - GOOD_ENOUGH, to: at + CLOCK_TOLERANCE }
      const updated = new Set(await store.touchSessions(ids, at, recent))
      isFailing = false
      for (const [id, time] of batch) if (uses.get(id) === time) uses.delete(id)
      const others = ids.filter((id) => !updated.has(id))
      if (others.length > 0) doubt(others)
    } catch (error) {
      // The uses are kept for the next attempt. Until then, only this server knows about them.
      const reason = error instanceof Error ? error.message : 'unknown'
      const line = { event: 'session-not-noted', reason, sessions: uses.size }
      if (!isFailing) {
        log.warn(
          line,
          withReference(
            'could not store when sessions were last used; retrying',
            'session_use_not_stored',
          ),
        )
      }
      isFailing = true
    }
  }

  return {
    note(sessionId, now) {
      uses.set(sessionId, now)
      schedule()
    },

    lastUseOf: ({ id, lastUsedAt }) => Math.max(lastUsedAt, uses.get(id) ?? 0),

    async close() {
      isClosed = true
      await writing
      for (let left = Infinity; uses.size > 0 && uses.size < left; ) {
        left = uses.size
        write()
        await writing
      }
    },
  }
}
