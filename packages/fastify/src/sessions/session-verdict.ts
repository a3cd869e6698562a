import type { FastifyBaseLogger } from 'fastify'
import { askStore } from '../http/errors.ts'
import type { Settings } from '../settings.ts'
import type { EndReason, FoundSession } from '../store/store.ts'
import { type Opened, publicSession, publicUser } from './auth.ts'
import { CLOCK_TOLERANCE, endOf, whyOver } from './session-life.ts'
import { type SessionUse, USE_INTERVAL } from './session-use.ts'

/** The current state of a session that was open when this server last read it. */
export type Verdict = StillOpen | Over

export interface StillOpen {
  readonly isOpen: true
  readonly secretHash: string
  readonly until: number
  readonly touchAt: number
}

interface Over {
  readonly isOpen: false
  readonly reason: EndReason
  /** Whether the session is deleted. */
  readonly isFinal: boolean
}

/** The end of a session, as this server noticed it. */
export interface SessionEnd {
  readonly sessionId: string
  readonly userId: string
  readonly reason: EndReason
}

/** The dependencies for judging a stored session. */
export interface Judging {
  readonly settings: Settings
  readonly use: SessionUse
  readonly log: FastifyBaseLogger
}

/** Reads the state of sessions from the store in one query. @throws UnavailableError */
export async function judgeSessions(
  judging: Judging,
  sessionIds: readonly string[],
): Promise<Map<string, Verdict>> {
  const { settings, log } = judging
  const found = await askStore(log, () => settings.store.findSessions(sessionIds))
  const verdicts = new Map(found.map((one) => [one.session.id, verdictOn(judging, one)]))
  const missing = sessionIds.filter((id) => !verdicts.has(id))
  if (missing.length === 0) return verdicts
  const reasons = await askStore(log, () => settings.store.findEnds(missing))
  for (const id of missing) {
    verdicts.set(id, { isOpen: false, reason: reasons.get(id) ?? 'unknown', isFinal: true })
  }
  return verdicts
}

function verdictOn(judging: Judging, found: FoundSession): Verdict {
  const reason = whyOver(judging.settings, found, judging.use.lastUseOf(found.session))
  if (reason === null) {
    const { secretHash, until, touchAt } = openedBy(judging, found)
    return { isOpen: true, secretHash, until, touchAt }
  }
  const why = reason === 'from the future' ? 'unknown' : reason
  return { isOpen: false, reason: why, isFinal: false }
}

/** Returns a stored, open session in the form that requests share. */
export function openedBy(
  { settings, use }: Pick<Judging, 'settings' | 'use'>,
  { session, user }: FoundSession,
): Opened {
  const lastUsedAt = use.lastUseOf(session)
  const now = settings.clock()
  const auth = { user: publicUser(user), session: publicSession(session) }
  Object.freeze(auth.user)
  Object.freeze(auth.session)
  return {
    auth: Object.freeze(auth),
    secretHash: session.secretHash,
    until: endOf(settings, session, lastUsedAt),
    // If this time came from a clock that was far ahead, the next use overwrites it.
    touchAt: lastUsedAt > now + CLOCK_TOLERANCE ? 0 : lastUsedAt + USE_INTERVAL,
    readAt: now,
    isHeld: false,
  }
}
