import { fillPostgres } from './fill.ts'
import type { Load } from './load.ts'
import { check } from './measure.ts'
import { start } from './processes.ts'
import type { Revoker } from './revoker.ts'
import { makePlace, type Run } from './run.ts'
import type { Server } from './server.ts'

export interface RevocationResult {
  readonly nodes: number
  /** The most requests per second that all nodes can serve together. */
  readonly maximum: number
  /** Requests per second while sessions were revoked. */
  readonly rate: number
  readonly revocations: number
  /** Milliseconds from each acknowledgement until each other node has rejected the session. */
  readonly latencies: readonly number[]
  /** How many requests the other nodes admitted in between. */
  readonly letThrough: number
}

const NODES = 3
const CONNECTIONS = 48
const IN_USE = 1_000

/**
 * Measures revocations on three nodes with one PostgreSQL, at half of their maximum load. The nodes revoke
 * in turn.
 */
export async function measureRevocation(run: Run): Promise<RevocationResult> {
  const revocations = run.quick ? 90 : 1_000
  const seconds = run.quick ? 1 : 5
  const place = await makePlace(run, 'revocation', ['pg'])
  const nodes = await Promise.all(
    Array.from({ length: NODES }, () => start<Server>('server.ts', { measured: true })),
  )
  const ports = await Promise.all(nodes.map((node) => node.serveStore('postgres', place)))
  const filled = await fillPostgres(place.postgresUrl, {
    sessions: IN_USE + revocations,
    inUse: IN_USE,
    away: 0,
    fresh: revocations,
  })
  for (const port of ports) await check(port, filled.inUse, true)
  const load = await start<Load>('load.ts', { measured: false })
  const revoker = await start<Revoker>('revoker.ts', { measured: false })

  const headers = filled.inUse.map((visitor) => visitor.header)
  const order = { ports, headers, connections: CONNECTIONS }
  await load.put({ ...order, seconds })
  const most = await load.put({ ...order, seconds })
  const maximum = most.requests / most.seconds
  run.say(`three nodes: at most ${Math.round(maximum)}/s`)

  const share = Math.floor(revocations / NODES)
  const latencies: number[] = []
  let letThrough = 0
  let requests = 0
  let elapsed = 0
  for (let node = 0; node < NODES; node++) {
    const revoked = filled.fresh.slice(node * share, (node + 1) * share)
    let over = false
    const revoking = revoker
      .revoke({
        ports: [...ports.slice(node), ...ports.slice(0, node)],
        headers: revoked.map((visitor) => visitor.header),
      })
      .finally(() => {
        over = true
      })
    const loading = (async () => {
      while (!over) {
        const half = await load.put({ ...order, seconds: 1, rate: maximum / 2 })
        requests += half.requests
        elapsed += half.seconds
      }
    })()
    const [result] = await Promise.all([revoking, loading])
    latencies.push(...result.latencies)
    letThrough += result.letThrough
    run.say(`node ${node + 1} of ${NODES} has revoked ${share}`)
  }
  for (const program of [...nodes, load, revoker]) await program.end()
  return {
    nodes: NODES,
    maximum,
    rate: requests / elapsed,
    revocations: share * NODES,
    latencies,
    letThrough,
  }
}
