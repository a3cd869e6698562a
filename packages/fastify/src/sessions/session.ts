import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { ListedSession, Session, User } from '@latchkey/contract'
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import { readCookie } from '../http/cookies.ts'
import { askStore } from '../http/errors.ts'
import { sha256 } from '../http/seal.ts'
import type { LatchkeyEventSource, Settings } from '../settings.ts'
import type {
  EndReason,
  FoundSession,
  StoredSession,
  StoredUser,
  StoreQueries,
  Watch,
} from '../store/store.ts'
import type { Auth, Opened } from './auth.ts'
import { holdSessions, type Verdict } from './held-sessions.ts'
import { createSessionCache } from './session-cache.ts'
import { createSessionEnds, type SessionEnd } from './session-ends.ts'
import { createSessionUse, USE_INTERVAL } from './session-use.ts'

/**
 * Sessions from their first cookie to their end. They promise:
 *
 * - A session is opened by its cookie's secret alone, of which the store has a hash.
 * - It ends when it is signed out or revoked, when it was not used for `idleTimeout`, and after `lifetime`
 *   whatever happens; by this server's clock, whatever a browser says.
 * - Who waits for its end is told, wherever it was ended.
 * - Being used costs the store at most one write a minute, together with others, and never brings an
 *   ended session back.
 * - Where the store cannot answer, nobody counts as signed in or out: it is an error.
 */
export interface Sessions {
  /** The property of a request that `read` uses. To be declared, so that requests keep their shape. */
  readonly asked: symbol
  /** A session that is not stored yet, and the cookie value that will open it. */
  issue(owner: SessionOwner): { session: StoredSession; token: string }
  /** Another secret for a session, and the cookie value with it. */
  rotate(sessionId: string): { secretHash: string; token: string }
  /** Stores a session, and ends the user's oldest where there would be too many. */
  insert(queries: StoreQueries, session: StoredSession): Promise<void>
  /** Puts the session's cookie on a reply. Only once the session is stored. */
  setCookie(reply: FastifyReply, session: Pick<StoredSession, 'expiresAt'>, token: string): void
  /**
   * Returns the session that a request comes with, or `null`: immediately where that is known. What it
   * returned for a request before is looked up again once it may no longer be true.
   * @throws UnavailableError, as a rejection
   */
  open(request: FastifyRequest): Opened | null | Promise<Opened | null>
  /** Returns who the request comes from. @throws UnavailableError, as a rejection */
  read(request: FastifyRequest): Promise<Auth | null>
  /** The same, where not knowing is as good as nobody. */
  readOrNull(request: FastifyRequest): Promise<Auth | null>
  /**
   * The same, read from the store whatever is known: for what an ended session must not do.
   * @param queries Those of a transaction, so that the session cannot be ended before it is over.
   */
  openStored(request: FastifyRequest, queries?: StoreQueries): Promise<Opened | null>
  readStored(request: FastifyRequest, queries?: StoreQueries): Promise<Auth | null>
  /**
   * Calls `end` once the session has ended, maybe before this returns.
   * @returns a function that ends the waiting
   */
  hold(opened: Opened, end: (reason: EndReason) => void): () => void
  /** Takes note of sessions that are gone, and reports each once. */
  reportEnds(ends: readonly SessionEnd[]): void
  /** Whether a stored session has not ended by itself. */
  isOpen(session: StoredSession): boolean
  /** A stored session as a list shows it, with its last use as this server knows it. */
  listed(session: StoredSession): ListedSession
  close(): Promise<void>
}

export interface SessionOwner {
  readonly userId: string
  readonly provider: string | null
  /** What the person would call the device, or `null`. */
  readonly device: string | null
}

/**
 * How far two servers' clocks may be apart, or one clock be put right, in milliseconds: an hour, by which
 * daylight saving has set many a clock wrong.
 */
export const CLOCK_TOLERANCE: number = 60 * 60 * 1000

/** `id.secret`: 16 and 32 random bytes, base64url. */
const TOKEN = /^([\w-]{22})\.([\w-]{43})$/
const ID = /^[\w-]{22}$/

export function createSessions(
  settings: Settings,
  events: LatchkeyEventSource,
  log: FastifyBaseLogger,
): Sessions {
  const { clock, site, store } = settings
  const { maxPerUser } = settings.session
  const life = lifeOf(settings)
  const watch: Watch | undefined = store.watch?.(
    (change) => ends.changed(change),
    (message) => log.warn(message),
  )
  const cache = createSessionCache(watch)
  const held = holdSessions({
    clock,
    judge,
    isKnownOpen: (opened) => cache.vouchesFor(opened),
    endOf: (sessionId) => ends.reasonOf(sessionId),
    ended: (end, isFinal) => ends.report(end, isFinal),
    attend: () => watch?.attend() ?? (() => {}),
    get isWatched() {
      return watch?.isCurrent() ?? false
    },
  })
  const ends = createSessionEnds({ cache, held, events, log, clock, reportMissing })
  const use = createSessionUse({
    store,
    log,
    tolerance: CLOCK_TOLERANCE,
    doubt: readAgain,
  })
  /** Where a request remembers its session. For this server alone, as another may know others. */
  const asked: unique symbol = Symbol('latchkey.asked')
  type Asking = FastifyRequest & { [asked]?: Opened | null | Promise<Opened | null> | undefined }

  function look(request: FastifyRequest): Opened | null | Promise<Opened | null> {
    const token = readCookie(request.raw.headers.cookie, site.cookies.session)
    if (token === null || token === '') return null
    const now = clock()
    const known = cache.get(token)
    return known !== undefined && isRunning(known, now) ? used(known, now) : ask(request, token)
  }

  async function ask(request: FastifyRequest, token: string): Promise<Opened | null> {
    const opened = await cache.fill(token, () => find(request, token))
    return opened === null ? null : used(opened, clock())
  }

  /** By a clock that was put back, nothing is known of the time before. */
  function isRunning(opened: Opened, now: number): boolean {
    return now < opened.until && now >= opened.readAt
  }

  async function find(
    request: FastifyRequest,
    token: string,
    queries?: StoreQueries,
  ): Promise<Opened | null> {
    const [, id, secret] = TOKEN.exec(token) ?? []
    if (id === undefined || secret === undefined) return refuse(request, 'malformed')
    const read = async (): Promise<FoundSession | null> =>
      whole(await (queries ?? store).findSession(id), id)
    // An error in a transaction is the transaction's, which may be run again for it.
    const found = await (queries === undefined ? askStore(request.log, read) : read())
    if (found === null) return refuse(request, 'unknown')
    const { session, user } = found
    if (!isSameHash(sha256(secret), session.secretHash)) return refuse(request, 'wrong secret')
    const reason = life.whyOver(found, use.unwritten(id))
    if (reason !== null) {
      if (reason !== 'from the future') {
        ends.report({ sessionId: id, userId: user.id, reason }, false)
      }
      return refuse(request, reason)
    }
    ends.disprove(id)
    return openedBy(found)
  }

  function openedBy({ session, user }: FoundSession): Opened {
    const lastUsedAt = Math.max(session.lastUsedAt, use.unwritten(session.id) ?? 0)
    const now = clock()
    const auth = { user: publicUser(user), session: publicSession(session) }
    // One object for many requests.
    Object.freeze(auth.user)
    Object.freeze(auth.session)
    return {
      auth: Object.freeze(auth),
      secretHash: session.secretHash,
      until: life.endOf(session, lastUsedAt),
      // Written by a clock that was far ahead, it is written again.
      touchAt: lastUsedAt > now + CLOCK_TOLERANCE ? 0 : lastUsedAt + USE_INTERVAL,
      readAt: now,
      isHeld: false,
    }
  }

  function used(opened: Opened, now: number): Opened {
    if (now < opened.touchAt) return opened
    const { session } = opened.auth
    use.note(session.id, now)
    opened.touchAt = now + USE_INTERVAL
    opened.until = life.endOf(session, now)
    return opened
  }

  /** What became of sessions, all of them read in one query. */
  async function judge(sessionIds: readonly string[]): Promise<Map<string, Verdict>> {
    const found = await askStore(log, () => store.findSessions(sessionIds))
    const verdicts = new Map(found.map((one) => [one.session.id, verdictOn(one)]))
    const missing = sessionIds.filter((id) => !verdicts.has(id))
    if (missing.length === 0) return verdicts
    const reasons = await askStore(log, () => store.findEnds(missing))
    for (const id of missing) {
      verdicts.set(id, { isOpen: false, reason: reasons.get(id) ?? 'unknown', isFinal: true })
    }
    return verdicts
  }

  function verdictOn(found: FoundSession): Verdict {
    const { id, secretHash } = found.session
    const reason = life.whyOver(found, use.unwritten(id))
    if (reason === null) {
      const { until, touchAt } = openedBy(found)
      return { isOpen: true, secretHash, until, touchAt }
    }
    const why = reason === 'from the future' ? 'unknown' : reason
    return { isOpen: false, reason: why, isFinal: false }
  }

  /**
   * Reads sessions again whose use was not written down: another server was quicker, or they have ended. All
   * of them in one query, so that its number does not grow with theirs.
   */
  async function readAgain(sessionIds: readonly string[]): Promise<void> {
    const known = sessionIds.map((id) => cache.find(id)).filter((opened) => opened !== undefined)
    const userIds = new Map(known.map(({ auth: { session, user } }) => [session.id, user.id]))
    try {
      for (const [id, verdict] of await judge(sessionIds)) {
        const opened = cache.find(id)
        const userId = userIds.get(id) ?? held.find(id)?.userId
        if (!verdict.isOpen) {
          if (userId !== undefined) {
            ends.report({ sessionId: id, userId, reason: verdict.reason }, verdict.isFinal)
          }
        } else if (opened?.secretHash === verdict.secretHash) {
          opened.until = verdict.until
          opened.touchAt = verdict.touchAt
        } else cache.forget({ session: id })
      }
    } catch {
      // The failure is logged where it happened.
      for (const session of sessionIds) cache.forget({ session })
    }
  }

  /** @param reason Why they ended that are gone, unless the record says otherwise. */
  async function reportMissing(
    known: ReadonlyMap<string, string>,
    reason: EndReason,
  ): Promise<void> {
    if (known.size === 0) return
    try {
      for (const [sessionId, verdict] of await judge([...known.keys()])) {
        const userId = known.get(sessionId)
        if (verdict.isOpen || userId === undefined) continue
        const why = verdict.reason === 'unknown' ? reason : verdict.reason
        ends.report({ sessionId, userId, reason: why }, verdict.isFinal)
      }
    } catch {
      // The failure is logged where it happened. Those that somebody waits for are read again.
      held.doubt([...known.keys()])
    }
  }

  function open(request: Asking): Opened | null | Promise<Opened | null> {
    const known = request[asked]
    if (known === null || known instanceof Promise) return known
    const now = clock()
    if (known !== undefined && cache.vouchesFor(known) && isRunning(known, now)) {
      // The request of a WebSocket can last for days, and each call on it is a use.
      return used(known, now)
    }
    const answer = look(request)
    request[asked] = answer
    if (answer instanceof Promise) {
      answer.then(
        (opened) => {
          request[asked] = opened
        },
        () => {
          // The next call asks again.
          if (request[asked] === answer) request[asked] = undefined
        },
      )
    }
    return answer
  }

  async function openStored(
    request: FastifyRequest,
    queries?: StoreQueries,
  ): Promise<Opened | null> {
    const token = readCookie(request.raw.headers.cookie, site.cookies.session)
    if (token === null || token === '') return null
    const opened = await find(request, token, queries)
    return opened === null ? null : used(opened, clock())
  }

  async function read(request: FastifyRequest): Promise<Auth | null> {
    return (await open(request))?.auth ?? null
  }

  return {
    asked,

    issue({ userId, provider, device }) {
      const now = clock()
      const id = randomBytes(16).toString('base64url')
      const { secretHash, token } = secretFor(id)
      const session: StoredSession = {
        id,
        userId,
        provider,
        secretHash,
        device,
        createdAt: now,
        authenticatedAt: now,
        lastUsedAt: now,
        expiresAt: now + settings.session.lifetime,
      }
      return { session, token }
    },

    rotate: secretFor,

    async insert(queries, session) {
      // Beforehand, since by a clock that is behind this one could be the oldest.
      const ending = { reason: 'limit', actor: session.userId } as const
      await queries.deleteOldestSessionsOf(session.userId, maxPerUser - 1, ending)
      await queries.insertSession(session)
    },

    setCookie(reply, session, token) {
      const maxAge = Math.floor((session.expiresAt - clock()) / 1000)
      site.cookies.set(reply, site.cookies.session, token, maxAge)
    },

    open,
    read,

    async readOrNull(request) {
      try {
        return await read(request)
      } catch {
        return null
      }
    },

    openStored,

    async readStored(request, queries) {
      return (await openStored(request, queries))?.auth ?? null
    },

    hold: held.hold,

    reportEnds(found) {
      for (const end of found) ends.report(end, true)
    },

    listed(session) {
      const { device, lastUsedAt } = session
      const used = Math.max(lastUsedAt, use.unwritten(session.id) ?? 0)
      return { ...publicSession(session), device, lastUsedAt: used }
    },

    isOpen: (session) => life.whyEnded(session, use.unwritten(session.id)) === null,

    async close() {
      held.close()
      await use.close()
      watch?.stop()
    },
  }
}

interface Life {
  /** When a session is over if it is not used after `lastUsedAt`. Today's options count. */
  endOf(session: Session, lastUsedAt: number): number
  /** Why a session is over by itself, or `null`. */
  whyEnded(
    session: StoredSession,
    unwritten: number | undefined,
  ): 'expired' | 'from the future' | null
  /** Why it opens nothing, or `null`. */
  whyOver(
    found: FoundSession,
    unwritten: number | undefined,
  ): 'expired' | 'from the future' | 'banned' | null
}

function lifeOf({ clock, session: { idleTimeout, lifetime } }: Settings): Life {
  const endOf: Life['endOf'] = ({ createdAt, expiresAt }, lastUsedAt) =>
    Math.min(expiresAt, createdAt + lifetime, lastUsedAt + idleTimeout)

  const whyEnded: Life['whyEnded'] = (session, unwritten = 0) => {
    const now = clock()
    // Put this way round, a time that is none has passed.
    if (!(endOf(session, Math.max(session.lastUsedAt, unwritten)) > now)) return 'expired'
    // Made by a clock that was far ahead; it would outlast every other.
    if (session.createdAt > now + CLOCK_TOLERANCE) return 'from the future'
    return null
  }

  return {
    endOf,
    whyEnded,
    whyOver({ session, user }, unwritten) {
      return whyEnded(session, unwritten) ?? (user.bannedAt === null ? null : 'banned')
    },
  }
}

function secretFor(sessionId: string): { secretHash: string; token: string } {
  const secret = randomBytes(32).toString('base64url')
  return { secretHash: sha256(secret), token: `${sessionId}.${secret}` }
}

/** Whether a text can be the id of a session. Not every database takes every text. */
export function isSessionId(text: string): boolean {
  return ID.test(text)
}

/**
 * The store's answer, if it is one: no session, or the one that was asked for, with its own user.
 * @throws anything otherwise; a store that mixes people up has not answered
 */
function whole(found: FoundSession | null, id: string): FoundSession | null {
  if (found === null) return null
  const { session, user } = found
  if (session.id === id && session.userId === user.id) return found
  throw new Error('The store answered with another session or user than it was asked for.')
}

/** A session cookie that opens nothing means signed out; it is worth a line, not an error. */
function refuse(request: FastifyRequest, reason: string): null {
  // Ids are no secret and come from nowhere but here. Somebody is guessing the other half.
  const level = reason === 'wrong secret' ? 'warn' : 'debug'
  request.log[level]({ event: 'session-refused', reason }, 'session cookie refused')
  return null
}

function isSameHash(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

/** Field by field, so that a column added to the store does not reach a browser by itself. */
export function publicUser(user: StoredUser): User {
  const { id, name, email, emailVerified, avatarUrl, createdAt } = user
  return { id, name, email, emailVerified, avatarUrl, createdAt }
}

export function publicSession(session: StoredSession): Session {
  const { id, provider, createdAt, authenticatedAt, expiresAt } = session
  return { id, provider, createdAt, authenticatedAt, expiresAt }
}
