import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Session, User } from '@latchkey/contract'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { runtimeErrors } from '../http/codes.ts'
import { isHandshake } from '../http/request-origin.ts'
import type { Auth, Opened } from '../sessions/auth.ts'
import type { Sessions } from '../sessions/session.ts'
import type { EndReason } from '../store/store.ts'

/** A request, and the reply that it will get. */
export interface Visit {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** The connection of a request, and the way to learn that its session has ended. */
export interface Connection extends Visit, Pick<Sessions, 'hold'> {}

/** Who a guard let through, and a signal for the end of their session. */
export interface RequestAuth extends Auth {
  /**
   * Fires when this session ends for any reason, on whichever server it was ended; its `reason` is a
   * `SessionEndedError`. It is created on first use, and watched until the response or the upgraded
   * connection is closed.
   *
   * @example
   * import { addAbortListener } from 'node:events'
   *
   * app.get('/events', { onRequest: app.latchkey.guard() }, (request, reply) => {
   *   reply.hijack()
   *   // Also where the session has ended already.
   *   addAbortListener(request.auth.signal, () => reply.raw.end())
   * })
   */
  readonly signal: AbortSignal
}

/**
 * The `reason` of `request.auth.signal`. Where a route throws it, as an aborted `fetch()` does, Fastify
 * responds with 401.
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

/** Makes what `request.auth` is, once a guard has let a request through. */
export function requestAuth(opened: Opened, connection: Connection): RequestAuth {
  return new LetThrough(opened, connection)
}

/** Its `signal` belongs to the prototype, so that a route may send `request.auth` as JSON. */
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
    // A handler that changes it would mean to change who is signed in.
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

/** How long a connection may take to send what its application says last, in milliseconds. */
const LAST_WORDS = 50

/** Closes an upgraded connection when its session ends. */
export function closeWithSession(opened: Opened, connection: Connection): void {
  const socket = socketOf(connection)
  const release = connection.hold(opened, () => {
    // After the signal, whose listeners may say goodbye in words of their own.
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

/** Calls `closed` once nothing can come through any more, and leaves no listener behind. */
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
    // It got a response like any other request, and the connection may be used again.
    reply.raw.once('finish', done)
  }
}
