// A session is one browser signed in as a user, from its first cookie to its end. This room
// promises:
//
// - Only the secret in its cookie opens a session. The store contains only a hash of the secret.
// - A session ends when it is signed out or revoked, when it is idle for `idleTimeout`, and after `lifetime`
//   in any case. The server's clock decides, never the browser.
// - Everything that waits for the end of a session is notified, on every server.
// - Recording the use of sessions takes at most one write per session per minute, with many sessions in one
//   statement. It never brings an ended session back.
// - If a session must be read and the store does not respond, the result is an error, neither
//   signed in nor signed out.

import type { ListedSession } from '@latchkey/contract'
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import { readCookie } from '../http/cookies.ts'
import type { LatchkeyEventSource, Settings } from '../settings.ts'
import type { EndReason, StoredSession, StoreQueries, Watch } from '../store/store.ts'
import { type Auth, type Opened, publicSession } from './auth.ts'
import { type HeldSessions, holdSessions } from './held-sessions.ts'
import { type KnownSessions, readAgain, reportMissing } from './known-sessions.ts'
import { insertSession, newSession, type SessionOwner, setSessionCookie } from './new-session.ts'
import { readSession, type SessionReader } from './read-session.ts'
import { createSessionCache, type SessionCache } from './session-cache.ts'
import { createSessionEnds } from './session-ends.ts'
import { endOf, whyEnded } from './session-life.ts'
import { newSecret } from './session-token.ts'
import { createSessionUse, USE_INTERVAL } from './session-use.ts'
import { judgeSessions, type SessionEnd } from './session-verdict.ts'

/** The operations on sessions that other rooms use. */
export interface Sessions {
  /**
   * The property of a request in which `open` keeps its result. Decorate requests with it, so that their
   * object shape stays the same.
   */
  readonly asked: symbol
  /** Returns a session that is not stored yet, and the cookie value that will open it. */
  issue(owner: SessionOwner): { session: StoredSession; token: string }
  /** Returns a fresh secret for a session: the hash to store, and the cookie value. */
  rotate(sessionId: string): { secretHash: string; token: string }
  /** Stores a session. If the user would have too many sessions, the oldest ones end. */
  insert(queries: StoreQueries, session: StoredSession): Promise<void>
  /** Sets the session's cookie on a reply. Call it once the session is stored. */
  setCookie(reply: FastifyReply, session: Pick<StoredSession, 'expiresAt'>, token: string): void
  /**
   * Returns the session of a request, or `null`. It returns a promise only if it must read the
   * store. An earlier result for the same request is reused only while it is certain.
   * @throws UnavailableError, as a rejection
   */
  open(request: FastifyRequest): Opened | null | Promise<Opened | null>
  /**
   * Returns the signed-in user and session of a request, or `null`. @throws UnavailableError, as a
   * rejection
   */
  read(request: FastifyRequest): Promise<Auth | null>
  /** Returns the same as `read`, but also `null` if the store does not respond. */
  readOrNull(request: FastifyRequest): Promise<Auth | null>
  /**
   * Opens a session as `open` does, but always reads the store. Use it for actions that an ended session must
   * never perform.
   * @param queries The queries of a transaction, during which nothing else can end the session.
   */
  openStored(request: FastifyRequest, queries?: StoreQueries): Promise<Opened | null>
  /** Returns the same as `read`, but always reads the store. */
  readStored(request: FastifyRequest, queries?: StoreQueries): Promise<Auth | null>
  /**
   * Calls `end` once the session has ended. That may be before this returns.
   * @returns a function that releases the session
   */
  hold(opened: Opened, end: (reason: EndReason) => void): () => void
  /** Reports sessions that have been deleted from the store. Each is reported once. */
  reportEnds(ends: readonly SessionEnd[]): void
  /** Whether a stored session has not expired and has not been idle for too long. */
  isOpen(session: StoredSession): boolean
  /**
   * Returns a stored session as it appears in lists, with the latest use that this server knows of.
   */
  listed(session: StoredSession): ListedSession
  close(): Promise<void>
}

export function createSessions(
  settings: Settings,
  events: LatchkeyEventSource,
  log: FastifyBaseLogger,
): Sessions {
  const parts = createParts(settings, events, log)
  const { ends, held, use, watch } = parts
  const { asked, open, openStored } = createOpening(parts)

  async function read(request: FastifyRequest): Promise<Auth | null> {
    return (await open(request))?.auth ?? null
  }

  return {
    asked,
    issue: (owner) => newSession(settings, owner),
    rotate: newSecret,
    insert: (queries, session) => insertSession(settings, queries, session),
    setCookie: (reply, session, token) => setSessionCookie(settings, reply, session, token),
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

    isOpen: (session) => whyEnded(settings, session, use.lastUseOf(session)) === null,

    listed(session) {
      const { device } = session
      return { ...publicSession(session), device, lastUsedAt: use.lastUseOf(session) }
    },

    async close() {
      held.close()
      await use.close()
      watch?.stop()
    },
  }
}

/** The parts of one server's sessions. */
interface Parts extends SessionReader {
  readonly cache: SessionCache
  readonly held: HeldSessions
  /** `undefined` for a store that cannot be watched. */
  readonly watch: Watch | undefined
}

function createParts(
  settings: Settings,
  events: LatchkeyEventSource,
  log: FastifyBaseLogger,
): Parts {
  const { clock, store } = settings
  const watch = store.watch?.(
    (change) => ends.changed(change),
    (message) => log.warn(message),
  )
  const cache = createSessionCache(watch)
  const use = createSessionUse({ store, log, doubt: (ids) => readAgain(known, ids) })
  const judge: KnownSessions['judge'] = (ids) => judgeSessions({ settings, use, log }, ids)
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
  const ends = createSessionEnds({
    cache,
    held,
    events,
    log,
    clock,
    reportMissing: (userIds, reason) => reportMissing(known, userIds, reason),
  })
  const known: KnownSessions = { cache, held, ends, judge }
  return { settings, log, watch, cache, use, held, ends }
}

/**
 * Finds the session of a request, in memory if the cached session is certain to be current, and otherwise in
 * the store.
 */
function createOpening(parts: Parts): Pick<Sessions, 'asked' | 'open' | 'openStored'> {
  const { cache } = parts
  const { clock, site } = parts.settings
  /**
   * The property in which a request keeps its session. Each registration has its own property,
   * because its sessions differ.
   */
  const asked: unique symbol = Symbol('latchkey.asked')
  type Asking = FastifyRequest & { [asked]?: Opened | null | Promise<Opened | null> | undefined }

  function open(request: Asking): Opened | null | Promise<Opened | null> {
    const known = request[asked]
    if (known === null || known instanceof Promise) return known
    const now = clock()
    if (known !== undefined && cache.vouchesFor(known) && isRunning(known, now)) {
      // A WebSocket's request can last for days. Each call for such a request counts as a use.
      return used(parts, known, now)
    }
    const answer = look(request)
    request[asked] = answer
    if (answer instanceof Promise) {
      answer.then(
        (opened) => {
          request[asked] = opened
        },
        () => {
          // The next call reads the store again.
          if (request[asked] === answer) request[asked] = undefined
        },
      )
    }
    return answer
  }

  function look(request: FastifyRequest): Opened | null | Promise<Opened | null> {
    const token = readCookie(request.raw.headers.cookie, site.cookies.session)
    if (token === null || token === '') return null
    const now = clock()
    const known = cache.get(token)
    return known !== undefined && isRunning(known, now)
      ? used(parts, known, now)
      : ask(request, token)
  }

  async function ask(request: FastifyRequest, token: string): Promise<Opened | null> {
    const opened = await cache.fill(token, () => readSession(parts, request, token))
    return opened === null ? null : used(parts, opened, clock())
  }

  async function openStored(
    request: FastifyRequest,
    queries?: StoreQueries,
  ): Promise<Opened | null> {
    const token = readCookie(request.raw.headers.cookie, site.cookies.session)
    if (token === null || token === '') return null
    const opened = await readSession(parts, request, token, queries)
    return opened === null ? null : used(parts, opened, clock())
  }

  return { asked, open, openStored }
}

/**
 * Whether a session can be used without reading it again. It cannot if the clock was set back.
 */
function isRunning(opened: Opened, now: number): boolean {
  return now < opened.until && now >= opened.readAt
}

/** Counts a use of an open session, and returns the session. */
function used({ settings, use }: Parts, opened: Opened, now: number): Opened {
  if (now < opened.touchAt) return opened
  const { session } = opened.auth
  use.note(session.id, now)
  opened.touchAt = now + USE_INTERVAL
  opened.until = endOf(settings, session, now)
  return opened
}
