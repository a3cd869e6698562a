import websocket from '@fastify/websocket'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Place } from './contenders/contender.ts'
import { latchkeyApp, openStore } from './contenders/latchkey.ts'
import { obey, sharedClock } from './processes.ts'
import { listen, usage } from './serving.ts'

// A server with one guarded WebSocket route, `GET /socket`, and a SQLite file.

/**
 * What happens to a socket when its session ends: it is kept, the guard closes it, or the guard closes it
 * after the handler's listener on `request.auth.signal` was called.
 */
export type SocketMode = 'kept' | 'closed' | 'signal'

let app: FastifyInstance | undefined
/** The requests that `createSignals` must create signals for. Empty unless the mode is `closed`. */
const requests: FastifyRequest[] = []
let fired = 0
let waiting: { readonly until: number; resolve(): void } | undefined

const orders = {
  ...usage,

  /** Serves the sessions in the store, and returns the port. */
  async serve(mode: SocketMode, place: Place): Promise<number> {
    const served = await latchkeyApp(openStore('sqlite', place))
    app = served
    await served.register(websocket)
    const keepUpgradedConnectionsAfterSessionEnds = mode === 'kept'
    const onRequest = served.latchkey.guard({ keepUpgradedConnectionsAfterSessionEnds })
    served.get('/socket', { websocket: true, onRequest }, (_socket, request) => {
      if (mode === 'signal') listenToSignal(request)
      if (mode === 'closed') requests.push(request)
    })
    return listen(served)
  },

  /**
   * Creates the signals for the sockets that were opened last, each with one listener, and returns the CPU time per
   * signal in microseconds.
   */
  createSignals(count: number): number {
    const last = requests.slice(-count)
    const before = usage.cpu()
    for (const request of last) listenToSignal(request)
    return (usage.cpu() - before) / last.length
  },

  /** Bans a user who has one socket, and waits until its signal has fired. */
  ban(userId: string): Promise<Firing> {
    return timed(1, ({ latchkey }) => latchkey.users.ban(userId))
  },

  /** Revokes every session, and waits until this many signals have fired. */
  revokeEverything(sockets: number): Promise<Firing> {
    return timed(sockets, ({ latchkey }) => latchkey.sessions.revokeEverything())
  },

  /** Returns how many signals have fired since the server started. */
  fired(): number {
    return fired
  },
}

export interface Firing {
  /** According to `sharedClock`. */
  readonly calledAt: number
  /** When the last signal fired, according to `sharedClock`. */
  readonly firedAt: number
  /** CPU time that was used in between, in microseconds. */
  readonly cpu: number
}

export type SocketServer = typeof orders

async function timed(
  count: number,
  work: (app: FastifyInstance) => Promise<void>,
): Promise<Firing> {
  if (app === undefined) throw new Error('The server has not been started.')
  const { promise, resolve } = Promise.withResolvers<Firing>()
  const cpuBefore = usage.cpu()
  const calledAt = sharedClock()
  const done = (): void =>
    resolve({ calledAt, firedAt: sharedClock(), cpu: usage.cpu() - cpuBefore })
  if (count === 0) done()
  else waiting = { until: fired + count, resolve: done }
  const [firing] = await Promise.all([promise, work(app)])
  return firing
}

function listenToSignal({ auth }: FastifyRequest): void {
  auth.signal.addEventListener('abort', () => {
    fired++
    if (fired === waiting?.until) waiting.resolve()
  })
}

obey(orders)
