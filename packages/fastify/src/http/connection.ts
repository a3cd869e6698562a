import type { FastifyReply, FastifyRequest } from 'fastify'

/** The connection of a request. Once its browser has disconnected, some work is pointless. */
export interface Connection {
  /** Whether the browser has disconnected. */
  isGone(): boolean
  /**
   * Calls the listener when the browser disconnects, or immediately if it already has.
   * @returns a function that removes the listener
   */
  onGone(listener: () => void): () => void
}

export function connectionOf(request: FastifyRequest, reply: FastifyReply): Connection {
  // The response rather than the request, because reading the body destroys the request. The socket
  // too, because a pipelined request has no socket on its response yet.
  const isGone = (): boolean => reply.raw.destroyed || request.raw.socket?.destroyed === true

  return {
    isGone,
    onGone(listener) {
      if (isGone()) listener()
      else reply.raw.once('close', listener)
      return () => reply.raw.off('close', listener)
    },
  }
}
