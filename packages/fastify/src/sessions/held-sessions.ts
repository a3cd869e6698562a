import type { Change, EndReason } from '../store/store.ts'
import type { Opened } from './auth.ts'
import { createDoubtfulSessions, type DoubtfulOptions } from './doubtful-sessions.ts'
import { createHeldIndex, type HeldSession } from './held-index.ts'

/**
 * Sessions whose end something on this server is waiting for: a signal that the application requested, or a
 * connection that a guard let through. This module promises:
 *
 * - Each holder is called once, with the reason, within a second after this server starts to reject the session.
 * - When a session's secret is rotated, the session ends for holders with the old secret (`replaced`).
 * - If a change leaves the session open, no holder is called.
 * - One timer serves any number of held sessions. Without held sessions, there is no timer.
 */
export interface HeldSessions {
  /**
   * Calls `end` once the session has ended. That may be before this returns.
   * @returns a function that releases the session
   */
  hold(opened: Opened, end: (reason: EndReason) => void): () => void
  /** Applies a change to the held sessions: ends them, or reads them again. */
  changed(change: Change): void
  /** Reads these sessions again, skipping any that are not held. */
  doubt(sessionIds: readonly string[]): void
  /** Returns the session with this id, if it is held. */
  find(sessionId: string): HeldSession | undefined
  /** Returns every held session. */
  all(): Iterable<HeldSession>
  close(): void
}

export interface HeldOptions extends Pick<DoubtfulOptions, 'clock' | 'judge' | 'ended'> {
  /** Whether the session is known to be open with this secret, without reading the store. */
  isKnownOpen(opened: Opened): boolean
  /** Returns why a session has ended, if this server knows. */
  endOf(sessionId: string): EndReason | undefined
  /** Makes the store look for changes on its own until the returned function is called. */
  attend(): () => void
  /**
   * Whether the store currently reports every change. While it does not, all held sessions are read
   * on each tick.
   */
  readonly isWatched: boolean
}

/** How often the held sessions are checked, in milliseconds. */
const TICK = 1000

export function holdSessions(options: HeldOptions): HeldSessions {
  const { clock, judge, ended } = options
  const index = createHeldIndex()
  const doubtful = createDoubtfulSessions({
    clock,
    judge,
    ended,
    replaced: (held) => end(held, 'replaced'),
  })
  const vigil = createVigil(options, (isCertain) => {
    const now = clock()
    doubtful.add(index.all().filter(({ until }) => !isCertain || now >= until))
  })

  function end(held: HeldSession, reason: EndReason): void {
    remove(held)
    for (const holder of held.holders) holder(reason)
  }

  function remove(held: HeldSession): void {
    doubtful.remove(held)
    index.remove(held)
    if (index.isEmpty()) vigil.stop()
  }

  return {
    hold(opened, holder) {
      const before = options.endOf(opened.auth.session.id)
      if (before !== undefined) {
        holder(before)
        return () => {}
      }
      const held = index.add(opened)
      vigil.start()
      held.holders.add(holder)
      // It may have ended since it was read.
      if (!options.isKnownOpen(opened)) doubtful.add([held])
      return () => {
        held.holders.delete(holder)
        if (held.holders.size === 0) remove(held)
      }
    },

    changed(change) {
      if (change === 'everything' || 'everyone' in change) doubtful.add(index.all())
      else if (!('session' in change)) doubtful.add(index.ofUser(change.user))
      else if (!('ended' in change)) doubtful.add(index.ofSession(change.session))
      else for (const held of index.ofSession(change.session)) end(held, change.ended)
    },

    doubt: (sessionIds) => doubtful.add(sessionIds.flatMap(index.ofSession)),
    find: (sessionId) => index.ofSession(sessionId)[0],
    all: index.all,

    close() {
      vigil.stop()
      index.clear()
      doubtful.clear()
    },
  }
}

/** The timer that checks the held sessions. It only runs while there are any. */
interface Vigil {
  /** A no-op if it is already running. */
  start(): void
  stop(): void
}

/**
 * @param look Called on each tick. The argument is whether every change since the previous tick has been reported.
 */
function createVigil(
  options: Pick<HeldOptions, 'attend' | 'isWatched'>,
  look: (isCertain: boolean) => void,
): Vigil {
  let timer: NodeJS.Timeout | undefined
  let unattend: (() => void) | undefined
  let wasWatched = false

  function tick(): void {
    const { isWatched } = options
    // Skip the first tick after the watch resumes, because earlier changes are not reported.
    const isCertain = isWatched && wasWatched
    wasWatched = isWatched
    look(isCertain)
  }

  return {
    start() {
      timer ??= setInterval(tick, TICK).unref()
      unattend ??= options.attend()
    },
    stop() {
      clearInterval(timer)
      timer = undefined
      unattend?.()
      unattend = undefined
    },
  }
}
