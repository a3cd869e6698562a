import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { Session, User } from '@latchkey/contract'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { readCookie } from './cookies.ts'
import { warnOfOtherOrigin } from './development.ts'
import { askStore, LatchkeyError, refuseCrossSite, sendError } from './errors.ts'
import type { Settings } from './options.ts'
import { isForeignAction } from './request-origin.ts'
import { sha256 } from './seal.ts'
import type { Store, StoredSession, StoredUser } from './store.ts'

/** Who a request comes from. */
export interface Auth {
  readonly user: User
  readonly session: Session
}

export interface Sessions {
  /** A session that is not stored yet, and the cookie value that will open it. */
  issue(userId: string, provider: string | null): { session: StoredSession; token: string }
  /** Puts the session's cookie on a reply. Only once the session is stored. */
  setCookie(reply: FastifyReply, session: StoredSession, token: string): void
  /** Who the request comes from, or `null`. Asked of the store once a request. */
  read(request: FastifyRequest): Promise<Auth | null>
}

/** How long a session lasts whatever happens: 30 days, in milliseconds. */
const SESSION_LIFETIME = 30 * 24 * 60 * 60 * 1000

/**
 * How far two servers' clocks may be apart, or one clock be put right, in milliseconds: an hour, by which
 * daylight saving has set many a clock wrong.
 */
export const CLOCK_TOLERANCE: number = 60 * 60 * 1000

/** `id.secret`: 16 and 32 random bytes, base64url. */
const TOKEN = /^([\w-]{22})\.([\w-]{43})$/

export function createSessions({ site, store, clock }: Settings): Sessions {
  const asked = new WeakMap<FastifyRequest, Promise<Auth | null>>()

  async function find(request: FastifyRequest): Promise<Auth | null> {
    const cookie = readCookie(request.raw.headers.cookie, site.cookies.session)
    if (cookie === null || cookie === '') return null
    const [, id, secret] = TOKEN.exec(cookie) ?? []
    if (id === undefined || secret === undefined) return refuse(request, 'malformed')
    const found = await askStore(request.log, async () => whole(await store.findSession(id), id))
    if (found === null) return refuse(request, 'unknown')
    if (!isSameHash(sha256(secret), found.session.secretHash))
      return refuse(request, 'wrong secret')
    const left = found.session.expiresAt - clock()
    // Put this way round, a time that is none has passed.
    if (!(left > 0)) return refuse(request, 'expired')
    // Made by a clock that was far ahead; it would outlast every other.
    if (left > SESSION_LIFETIME + CLOCK_TOLERANCE) return refuse(request, 'from the future')
    return { user: publicUser(found.user), session: publicSession(found.session) }
  }

  return {
    issue(userId, provider) {
      const now = clock()
      const id = randomBytes(16).toString('base64url')
      const secret = randomBytes(32).toString('base64url')
      const session: StoredSession = {
        id,
        userId,
        provider,
        secretHash: sha256(secret),
        createdAt: now,
        authenticatedAt: now,
        expiresAt: now + SESSION_LIFETIME,
      }
      return { session, token: `${id}.${secret}` }
    },

    setCookie(reply, session, token) {
      const maxAge = Math.floor((session.expiresAt - clock()) / 1000)
      site.cookies.set(reply, site.cookies.session, token, maxAge)
    },

    read(request) {
      const known = asked.get(request)
      if (known !== undefined) return known
      const answer = find(request)
      asked.set(request, answer)
      return answer
    },
  }
}

type Found = Awaited<ReturnType<Store['findSession']>>

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

/** Marks the routes of Latchkey itself, in their `config`. */
export const OWN_ROUTE: unique symbol = Symbol('latchkey.ownRoute')

/**
 * A hook that lets signed-in people through and answers everybody else with 401. What changes something
 * must come from a page of `origin`: a browser's request from any other is answered with 403.
 */
export type GuardHook = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

/** Who is signed in, as the application may ask. */
export interface Guards {
  guard(): GuardHook
  /** Who is signed in; nobody to what a page of another origin wants to change. */
  getAuth(request: FastifyRequest): Promise<Auth | null>
  /** @throws LatchkeyError `LATCHKEY_UNGUARDED` if no guard has let this request through. */
  authOf(request: FastifyRequest): Auth
}

export function createGuards(sessions: Sessions, { development, site }: Settings): Guards {
  const passed = new WeakMap<FastifyRequest, Auth>()

  function isForeign(request: FastifyRequest): boolean {
    if (!isForeignAction(request, site.origin)) return false
    if (development) warnOfOtherOrigin(request, site.origin)
    return true
  }

  return {
    getAuth: async (request) => (isForeign(request) ? null : sessions.read(request)),

    guard(...given: unknown[]) {
      // As a hook itself, it would be given a request, and its answer, no promise, waited for forever.
      if (given.length > 0) {
        throw new LatchkeyError(
          'LATCHKEY_UNGUARDED',
          'app.latchkey.guard was given something, as if it were a hook. Call it: { onRequest: app.latchkey.guard() }.',
        )
      }
      return async function latchkeyGuard(request, reply) {
        // As a hook of the root, it meets our own routes too, and people have to get in somewhere.
        if (OWN_ROUTE in request.routeOptions.config) return undefined
        if (isForeign(request)) return refuseCrossSite(request, reply)
        let auth: Auth | null
        try {
          auth = await sessions.read(request)
        } catch {
          // The store's failure is logged where it was asked. Not knowing is neither in nor out.
          return sendError(reply, 503, 'unavailable')
        }
        if (auth === null) return sendError(reply, 401, 'unauthenticated')
        passed.set(request, auth)
        return undefined
      }
    },

    authOf(request) {
      const auth = passed.get(request)
      if (auth !== undefined) return auth
      throw new LatchkeyError(
        'LATCHKEY_UNGUARDED',
        `request.auth was read on ${request.method} ${request.routeOptions.url ?? 'a route'}, which has no guard. Add { onRequest: app.latchkey.guard() } to the route, or use await request.getAuth() where signed-out people are welcome.`,
      )
    },
  }
}
