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
  // Listen to the response rather than the request, because reading the body destroys the request. Listen to
  // the socket too, because the response to a pipelined request does not have a socket yet.
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
