import type { FastifyReply, FastifyRequest } from 'fastify'

/** The connection that a request came over, for work that is pointless once its browser has gone. */
export interface Connection {
  /** Whether the browser has disconnected. */
  isGone(): boolean
  /**
   * Calls the listener when the browser disconnects, immediately if it has already.
   * @returns a function that removes the listener
   */
  onGone(listener: () => void): () => void
}

export function connectionOf(request: FastifyRequest, reply: FastifyReply): Connection {
  // The response and not the request: a request is also destroyed when somebody has read its body. The
  // socket too, because a pipelined request has no response on it yet.
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
