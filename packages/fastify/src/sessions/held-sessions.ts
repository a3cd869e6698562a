import type { Change, EndReason } from '../store/store.ts'
import type { Opened } from './auth.ts'
import type { SessionEnd, Verdict } from './session-verdict.ts'

/**
 * Sessions whose end somebody on this server waits for: a signal that the application asked for, or a
 * connection that a guard let through. It promises:
 *
 * - Each holder is told once, with the reason, and within the time in which this server refuses the
 *   session's next request.
 * - A session with another secret has ended for those who came with the old one (`replaced`).
 * - A change that leaves the session open tells nobody.
 * - It has one timer, however many there are, and none if there are none.
 */
export interface HeldSessions {
  /**
   * Calls `end` once the session has ended, maybe before this returns.
   * @returns a function that ends the waiting
   */
  hold(opened: Opened, end: (reason: EndReason) => void): () => void
  /** Looks at what a change means to those who wait. */
  changed(change: Change): void
  /** Reads these sessions again, if somebody waits for them. */
  doubt(sessionIds: readonly string[]): void
  /** Returns the session with this id, if somebody waits for its end. */
  find(sessionId: string): HeldSession | undefined
  /** Every session that somebody waits for. */
  all(): Iterable<HeldSession>
  close(): void
}

export interface HeldSession {
  readonly sessionId: string
  readonly userId: string
  readonly secretHash: string
  /** When it ends unless it is used before, as far as is known. */
  until: number
  /** When it ends whatever happens. */
  readonly expiresAt: number
  readonly holders: Set<(reason: EndReason) => void>
}

export interface HeldOptions {
  /** Milliseconds since 1970. */
  clock(): number
  /** Reads sessions from the store, all of them at once. Rejects if it cannot. */
  judge(sessionIds: readonly string[]): Promise<ReadonlyMap<string, Verdict>>
  /** Whether the session is known to be open with this secret, without asking anybody. */
  isKnownOpen(opened: Opened): boolean
  /** The reason of an end that this server has heard of before. */
  endOf(sessionId: string): EndReason | undefined
  /** Called for a session that turned out to have ended. */
  ended(end: SessionEnd, isFinal: boolean): void
  /** Makes the store look for changes by itself, until the returned function is called. */
  attend(): () => void
  /** Whether the store reports every change at present. While it does not, all are read again each tick. */
  readonly isWatched: boolean
}

/** How often it is looked at whose time is over, in milliseconds. */
const TICK = 1000

export function holdSessions(options: HeldOptions): HeldSessions {
  const bySession = new Map<string, HeldSession[]>()
  const byUser = new Map<string, Set<HeldSession>>()
  /** Those to be read again. */
  const doubtful = new Set<HeldSession>()
  let timer: NodeJS.Timeout | undefined
  let unattend: (() => void) | undefined
  let judging = false
  let wasWatched = false

  function add({ auth, secretHash, until }: Opened): HeldSession {
    const { session, user } = auth
    const known = bySession.get(session.id) ?? []
    const same = known.find((held) => held.secretHash === secretHash)
    if (same !== undefined) return same
    const held: HeldSession = {
      sessionId: session.id,
      userId: user.id,
      secretHash,
      until,
      expiresAt: session.expiresAt,
      holders: new Set(),
    }
    bySession.set(session.id, [...known, held])
    byUser.set(user.id, (byUser.get(user.id) ?? new Set()).add(held))
    timer ??= setInterval(tick, TICK).unref()
    unattend ??= options.attend()
    return held
  }

  function remove(held: HeldSession): void {
    doubtful.delete(held)
    const others = bySession.get(held.sessionId)?.filter((other) => other !== held) ?? []
    if (others.length > 0) bySession.set(held.sessionId, others)
    else bySession.delete(held.sessionId)
    const ofUser = byUser.get(held.userId)
    ofUser?.delete(held)
    if (ofUser?.size === 0) byUser.delete(held.userId)
    if (bySession.size === 0) rest()
  }

  function rest(): void {
    clearInterval(timer)
    timer = undefined
    unattend?.()
    unattend = undefined
  }

  function end(held: HeldSession, reason: EndReason): void {
    remove(held)
    for (const holder of held.holders) holder(reason)
  }

  function doubt(sessions: Iterable<HeldSession>): void {
    for (const held of sessions) doubtful.add(held)
    // The same change may concern more of them.
    if (doubtful.size > 0 && !judging) queueMicrotask(judge)
  }

  /** Reads all that are doubtful, in one query. Those that could not be read stay so until the next tick. */
  async function judge(): Promise<void> {
    if (judging || doubtful.size === 0) return
    judging = true
    const asked = [...doubtful]
    doubtful.clear()
    try {
      const verdicts = await options.judge(asked.map(({ sessionId }) => sessionId))
      for (const held of asked) settle(held, verdicts.get(held.sessionId))
      judging = false
      // What came up while these were read.
      judge()
    } catch {
      // The failure is logged where it happened.
      for (const held of asked) keepInDoubt(held)
      judging = false
    }
  }

  /** An unreachable store does not end a session. Reaching `expiresAt` does. */
  function keepInDoubt(held: HeldSession): void {
    const { sessionId, userId, expiresAt, holders } = held
    if (options.clock() >= expiresAt) options.ended({ sessionId, userId, reason: 'expired' }, false)
    else if (holders.size > 0) doubtful.add(held)
  }

  function settle(held: HeldSession, verdict: Verdict | undefined): void {
    if (held.holders.size === 0 || verdict === undefined) return
    if (verdict.isOpen) {
      held.until = verdict.until
      if (verdict.secretHash !== held.secretHash) end(held, 'replaced')
      return
    }
    const { sessionId, userId } = held
    options.ended({ sessionId, userId, reason: verdict.reason }, verdict.isFinal)
  }

  function tick(): void {
    const now = options.clock()
    // Once more when it is watched again: a change before that is not reported.
    const { isWatched } = options
    const isCertain = isWatched && wasWatched
    wasWatched = isWatched
    for (const list of bySession.values()) {
      for (const held of list) if (now >= held.until || !isCertain) doubtful.add(held)
    }
    judge()
  }

  return {
    hold(opened, holder) {
      const before = options.endOf(opened.auth.session.id)
      if (before !== undefined) {
        holder(before)
        return () => {}
      }
      const held = add(opened)
      held.holders.add(holder)
      // It may have ended since it was read.
      if (!options.isKnownOpen(opened)) doubt([held])
      return () => {
        held.holders.delete(holder)
        if (held.holders.size === 0) remove(held)
      }
    },

    changed(change) {
      if (change === 'everything' || 'everyone' in change) doubt([...bySession.values()].flat())
      else if ('session' in change) {
        const sessions = bySession.get(change.session) ?? []
        if ('ended' in change) for (const held of sessions) end(held, change.ended)
        else doubt(sessions)
      } else doubt(byUser.get(change.user) ?? [])
    },

    doubt(sessionIds) {
      doubt(sessionIds.flatMap((id) => bySession.get(id) ?? []))
    },

    find: (sessionId) => bySession.get(sessionId)?.[0],
    all: () => [...bySession.values()].flat(),

    close() {
      rest()
      bySession.clear()
      byUser.clear()
      doubtful.clear()
    },
  }
}
