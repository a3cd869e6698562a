import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** Orders that every measured server supports. */
export const usage = {
  /** Returns the CPU time of all threads since the process started, in microseconds. */
  cpu(): number {
    const { user, system } = process.cpuUsage()
    return user + system
  },

  /** Returns the used bytes of the heap. The process needs the flag `--expose-gc`. */
  heap(): number {
    globalThis.gc?.()
    return process.memoryUsage().heapUsed
  },
}

/** Listens on a free port and returns it. */
export async function listen(app: FastifyInstance): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 })
  return (app.server.address() as AddressInfo).port
}
