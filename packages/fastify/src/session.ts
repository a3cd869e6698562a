import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { ListedSession, Session, User } from '@latchkey/contract'
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import { readCookie } from './cookies.ts'
import { askStore } from './errors.ts'
import type { Settings } from './options.ts'
import { sha256 } from './seal.ts'
import { createSessionCache, type Opened } from './session-cache.ts'
import type { StoredSession, StoredUser, StoreQueries } from './store.ts'

/** Who a request comes from. It may be another request's too, and is not to be changed. */
export interface Auth {
  readonly user: User
  readonly session: Session
}

/**
 * Sessions from their first cookie to their end. They promise:
 *
 * - A session is opened by its cookie's secret alone, of which the store has a hash.
 * - It ends when it is signed out or revoked, when it was not used for `idleTimeout`, and after `lifetime`
 *   whatever happens; by this server's clock, whatever a browser says.
 * - Being used costs the store one write a minute at most from each server, and never brings an ended
 *   session back.
 * - Where the store cannot say, nobody is said to be signed in or out: it is an error.
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
   * Who the request comes from, or `null`: at once where that is known.
   * @throws UnavailableError, as a rejection
   */
  read(request: FastifyRequest): Auth | null | Promise<Auth | null>
  /** The same where not to know is as good as nobody. */
  readOrNull(request: FastifyRequest): Promise<Auth | null>
  /**
   * The same, asked of the store whatever is known: for what must not be done by an ended session.
   * @param queries Those of a transaction, so that the session cannot be ended before it is over.
   */
  readStored(request: FastifyRequest, queries?: StoreQueries): Promise<Auth | null>
  /** Whether a stored session has not ended by itself. */
  isOpen(session: StoredSession): boolean
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

/** How often the use of a session is noted, in milliseconds. */
const TOUCH_INTERVAL = 60 * 1000

/** `id.secret`: 16 and 32 random bytes, base64url. */
const TOKEN = /^([\w-]{22})\.([\w-]{43})$/
const ID = /^[\w-]{22}$/

export function createSessions(settings: Settings, log: FastifyBaseLogger): Sessions {
  const { clock, site, store } = settings
  const { idleTimeout, lifetime, maxPerUser } = settings.session
  const cache = createSessionCache(store, (message) => log.warn(message))
  /** When the last note of a session was begun, by session, for a minute; the oldest first. */
  const noted = new Map<string, number>()
  /** The notes that are being written. */
  const notes = new Set<Promise<void>>()
  /** Where a request remembers who it comes from. For this server alone, as another may know others. */
  const asked: unique symbol = Symbol('latchkey.asked')
  type Asking = FastifyRequest & { [asked]?: Auth | null | Promise<Auth | null> }

  function look(request: FastifyRequest): Auth | null | Promise<Auth | null> {
    const token = readCookie(request.raw.headers.cookie, site.cookies.session)
    if (token === null || token === '') return null
    const now = clock()
    const known = cache.get(token, now)
    return known !== undefined && now < known.until ? use(known, now) : ask(request, token, now)
  }

  async function ask(request: FastifyRequest, token: string, now: number): Promise<Auth | null> {
    const opened = await cache.fill(token, now, () => find(request, token))
    return opened === null ? null : use(opened, now)
  }

  async function find(
    request: FastifyRequest,
    token: string,
    queries?: StoreQueries,
  ): Promise<Opened | null> {
    const [, id, secret] = TOKEN.exec(token) ?? []
    if (id === undefined || secret === undefined) return refuse(request, 'malformed')
    const read = async (): Promise<Found> => whole(await (queries ?? store).findSession(id), id)
    // An error in a transaction is the transaction's, which may be run again for it.
    const found = await (queries === undefined ? askStore(request.log, read) : read())
    if (found === null) return refuse(request, 'unknown')
    const { session, user } = found
    if (!isSameHash(sha256(secret), session.secretHash)) return refuse(request, 'wrong secret')
    const reason = whyOver(session)
    if (reason !== null) return refuse(request, reason)
    if (user.bannedAt !== null) return refuse(request, 'banned')
    const { lastUsedAt } = session
    // Noted by a clock that was far ahead, it is noted anew.
    const touchAt = lastUsedAt > clock() + CLOCK_TOLERANCE ? 0 : lastUsedAt + TOUCH_INTERVAL
    const auth = { user: publicUser(user), session: publicSession(session) }
    // One object for many requests.
    Object.freeze(auth.user)
    Object.freeze(auth.session)
    return { auth: Object.freeze(auth), until: endOf(session, lastUsedAt), touchAt }
  }

  /** When a session is over if it is not used any more. The options of today count. */
  function endOf({ createdAt, expiresAt }: Session, lastUsedAt: number): number {
    return Math.min(expiresAt, createdAt + lifetime, lastUsedAt + idleTimeout)
  }

  function whyOver(session: StoredSession): string | null {
    const now = clock()
    // Put this way round, a time that is none has passed.
    if (!(endOf(session, session.lastUsedAt) > now)) return 'expired'
    // Made by a clock that was far ahead; it would outlast every other.
    if (session.createdAt > now + CLOCK_TOLERANCE) return 'from the future'
    return null
  }

  function use(opened: Opened, now: number): Auth {
    if (now >= opened.touchAt) note(opened, now)
    return opened.auth
  }

  /** Notes that a session is in use, while its request goes on: of many requests at once, for one. */
  function note(opened: Opened, now: number): void {
    const { session } = opened.auth
    for (const [id, time] of noted) {
      // Also by a clock that was put back.
      if (Math.abs(now - time) < TOUCH_INTERVAL) break
      noted.delete(id)
    }
    const before = noted.get(session.id)
    opened.touchAt = (before ?? now) + TOUCH_INTERVAL
    if (before !== undefined) return
    noted.set(session.id, now)
    const writing = store
      .touchSession(session.id, now)
      .then(() => {
        opened.until = endOf(session, now)
      })
      .catch((error: unknown) => {
        // Until the next note works, the session ends as if it had not been used.
        const reason = error instanceof Error ? error.message : 'unknown'
        log.warn({ event: 'session-not-noted', reason }, 'the use of a session was not noted')
      })
      .finally(() => notes.delete(writing))
    notes.add(writing)
  }

  function read(request: Asking): Auth | null | Promise<Auth | null> {
    const known = request[asked]
    if (known !== undefined) return known
    const answer = look(request)
    request[asked] = answer
    return answer
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
        expiresAt: now + lifetime,
      }
      return { session, token }
    },

    rotate: secretFor,

    async insert(queries, session) {
      // Beforehand, since by a clock that is behind this one could be the oldest.
      await queries.deleteOldestSessionsOf(session.userId, maxPerUser - 1)
      await queries.insertSession(session)
    },

    setCookie(reply, session, token) {
      const maxAge = Math.floor((session.expiresAt - clock()) / 1000)
      site.cookies.set(reply, site.cookies.session, token, maxAge)
    },

    read,

    async readOrNull(request) {
      try {
        return await read(request)
      } catch {
        return null
      }
    },

    async readStored(request, queries) {
      const token = readCookie(request.raw.headers.cookie, site.cookies.session)
      if (token === null || token === '') return null
      const opened = await find(request, token, queries)
      return opened === null ? null : use(opened, clock())
    },

    isOpen: (session) => whyOver(session) === null,

    async close() {
      cache.close()
      await Promise.all(notes)
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

type Found = Awaited<ReturnType<StoreQueries['findSession']>>

/**
 * The store's answer, if it is one: no session, or the one that was asked for, with its own user.
 * @throws anything otherwise; a store that mixes people up has not answered
 */
function whole(found: Found, id: string): Found {
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

export function listedSession(session: StoredSession): ListedSession {
  const { device, lastUsedAt } = session
  return { ...publicSession(session), device, lastUsedAt }
}
