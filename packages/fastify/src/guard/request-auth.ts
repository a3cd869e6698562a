import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Session, User } from '@latchkey/contract'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { runtimeErrors } from '../http/codes.ts'
import { isHandshake } from '../http/request-origin.ts'
import type { Auth, Opened } from '../sessions/auth.ts'
import type { Sessions } from '../sessions/session.ts'
import type { EndReason } from '../store/store.ts'

/** A request and its reply. */
export interface Visit {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** A request's connection, and a way to watch its session. */
export interface Connection extends Visit, Pick<Sessions, 'hold'> {}

/** The signed-in user of a guarded request, their session, and a signal that is aborted when the session ends. */
export interface RequestAuth extends Auth {
  /**
   * Aborted when this session ends, for any reason and on any server. Its `reason` is a
   * `SessionEndedError`. The signal is created on first use, and the session is watched until the response
   * or the upgraded connection is closed.
   *
   * @example
   * import { addAbortListener } from 'node:events'
   *
   * app.get('/events', { onRequest: app.latchkey.guard() }, (request, reply) => {
   *   reply.hijack()
   *   // Unlike addEventListener(), this also works if the session has already ended.
   *   addAbortListener(request.auth.signal, () => reply.raw.end())
   * })
   */
  readonly signal: AbortSignal
}

/**
 * The `reason` of `request.auth.signal`. If a route throws it, for example from an aborted `fetch()`, Fastify
 * responds with 401.
 *
 * @example
 * try {
 *   return await fetch(url, { signal: request.auth.signal })
 * } catch (error) {
 *   if (error instanceof SessionEndedError) console.log(`aborted: ${error.reason}`)
 *   throw error
 * }
 */
export class SessionEndedError extends Error {
  override readonly name = 'SessionEndedError'
  readonly code = 'LATCHKEY_SESSION_ENDED'
  readonly statusCode: number = runtimeErrors.LATCHKEY_SESSION_ENDED.status
  /** Why the session ended. */
  readonly reason: EndReason

  constructor(reason: EndReason) {
    super(`The session has ended (${reason}).`)
    this.reason = reason
  }
}

/** Creates the value of `request.auth` for a request that passes a guard. */
export function requestAuth(opened: Opened, connection: Connection): RequestAuth {
  return new LetThrough(opened, connection)
}

/** `signal` is on the prototype, so that a route can send `request.auth` as JSON. */
class LetThrough implements RequestAuth {
  readonly user: User
  readonly session: Session
  readonly #opened: Opened
  readonly #connection: Connection
  #signal: AbortSignal | undefined

  constructor(opened: Opened, connection: Connection) {
    this.user = opened.auth.user
    this.session = opened.auth.session
    this.#opened = opened
    this.#connection = connection
    // Assigning to it would not change who is signed in, so any attempt is a mistake.
    Object.freeze(this)
  }

  get signal(): AbortSignal {
    this.#signal ??= startSignal(this.#opened, this.#connection)
    return this.#signal
  }
}

function startSignal(opened: Opened, connection: Connection): AbortSignal {
  const controller = new AbortController()
  const release = connection.hold(opened, (reason) =>
    controller.abort(new SessionEndedError(reason)),
  )
  whenClosed(connection, release)
  return controller.signal
}

/** The time a connection has to send the application's last messages, in milliseconds. */
const LAST_WORDS = 50

/** Closes an upgraded connection when its session ends. */
export function closeWithSession(opened: Opened, connection: Connection): void {
  const socket = socketOf(connection)
  const release = connection.hold(opened, () => {
    // Close it after aborting the signal, whose listeners may still send a last message.
    setImmediate(() => {
      socket.destroySoon?.()
      setTimeout(() => socket.destroy(), LAST_WORDS).unref()
    })
  })
  whenClosed(connection, release)
}

/** The connection's socket. Under `injectWS()` of @fastify/websocket it is a plain `Duplex`. */
function socketOf({ request, reply }: Visit): Duplex & Pick<Partial<Socket>, 'destroySoon'> {
  return reply.raw.socket ?? request.raw.socket
}

/** Calls `closed` once the connection is closed, and removes all of its own listeners. */
function whenClosed(connection: Visit, closed: () => void): void {
  const { request, reply } = connection
  if (reply.raw.closed) closed()
  else if (!isHandshake(request.raw)) reply.raw.once('close', closed)
  else {
    const socket = socketOf(connection)
    const done = (): void => {
      socket.off('close', done)
      reply.raw.off('finish', done)
      closed()
    }
    socket.once('close', done)
    // The server sent a normal response instead of upgrading, and the connection can be reused.
    reply.raw.once('finish', done)
  }
}
