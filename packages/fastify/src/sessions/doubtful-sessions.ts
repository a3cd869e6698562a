import type { HeldSession } from './held-index.ts'
import type { SessionEnd, Verdict } from './session-verdict.ts'

/** Held sessions that may have ended or changed. All of them are read again in one query. */
export interface DoubtfulSessions {
  add(sessions: Iterable<HeldSession>): void
  remove(held: HeldSession): void
  clear(): void
}

export interface DoubtfulOptions {
  /** Milliseconds since 1970. */
  clock(): number
  /** Reads sessions from the store in one query. Rejects if it fails. */
  judge(sessionIds: readonly string[]): Promise<ReadonlyMap<string, Verdict>>
  /** Called for a session that has ended. */
  ended(end: SessionEnd, isFinal: boolean): void
  /** Called for a session whose secret was rotated. */
  replaced(held: HeldSession): void
}

export function createDoubtfulSessions(options: DoubtfulOptions): DoubtfulSessions {
  const doubtful = new Set<HeldSession>()
  let isReading = false

  async function read(): Promise<void> {
    if (isReading || doubtful.size === 0) return
    isReading = true
    const asked = [...doubtful]
    doubtful.clear()
    try {
      const verdicts = await options.judge(asked.map(({ sessionId }) => sessionId))
      for (const held of asked) settle(options, held, verdicts.get(held.sessionId))
      isReading = false
      // More may have been added in the meantime.
      read()
    } catch {
      // The failure is logged where it happened. The next call to `add` reads these sessions again.
      for (const held of asked) keep(held)
      isReading = false
    }
  }

  /**
   * Keeps a session on the list. It does not end because the store is unreachable, but it does end at `expiresAt`.
   */
  function keep(held: HeldSession): void {
    const { sessionId, userId, expiresAt, holders } = held
    if (options.clock() >= expiresAt) options.ended({ sessionId, userId, reason: 'expired' }, false)
    else if (holders.size > 0) doubtful.add(held)
  }

  return {
    add(sessions) {
      for (const held of sessions) doubtful.add(held)
      // Wait for a microtask, because the same change may affect more sessions.
      if (doubtful.size > 0 && !isReading) queueMicrotask(read)
    },
    remove: (held) => void doubtful.delete(held),
    clear: () => doubtful.clear(),
  }
}

function settle(options: DoubtfulOptions, held: HeldSession, verdict: Verdict | undefined): void {
  if (held.holders.size === 0 || verdict === undefined) return
  if (verdict.isOpen) {
    held.until = verdict.until
    if (verdict.secretHash !== held.secretHash) options.replaced(held)
    return
  }
  const { sessionId, userId } = held
  options.ended({ sessionId, userId, reason: verdict.reason }, verdict.isFinal)
}
