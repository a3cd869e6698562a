import { join } from 'node:path'
import type { StoreKind } from './contenders/latchkey.ts'
import { type Amounts, type Filled, fillPostgres, fillSqlite } from './fill.ts'
import type { Load } from './load.ts'
import { check, type Measured, measure, measureOnce, warmUp } from './measure.ts'
import { type Program, start } from './processes.ts'
import { inAnotherOrder, makePlace, type Run } from './run.ts'
import type { Server } from './server.ts'

export interface StoredResult {
  readonly connections: number
  readonly inUse: number
  /** The numbers of stored sessions, ascending. */
  readonly sizes: readonly number[]
  readonly seconds: number
  readonly rounds: readonly StoredRound[]
}

export interface StoredRound {
  /** Results, keyed by store and number of stored sessions, such as `sqlite 1000`. */
  readonly inUse: Readonly<Record<string, Measured>>
  /** Results for each store with the most sessions, where every request uses a different session that is not cached. */
  readonly missed: Readonly<Record<string, Measured>>
  /** The same, with sessions that have not been used for an hour, so that the server records this use. */
  readonly missedAndNoted: Readonly<Record<string, Measured>>
}

const CONNECTIONS = 64
const IN_USE = 1_000

/** Measures the same thousand visitors among more and more sessions, and visitors that are not cached. */
export async function measureStored(run: Run): Promise<StoredResult> {
  const sizes = run.quick ? [1_000, 100_000] : [1_000, 100_000, 1_000_000]
  const rounds = run.quick ? 1 : 15
  const seconds = run.quick ? 0.5 : 1
  const most = Math.max(...sizes)
  const load = await start<Load>('load.ts', { measured: false })
  const nodes = new Map<string, Node>()
  for (const kind of ['sqlite', 'postgres'] as const) {
    for (const size of sizes) {
      const rest = size === most ? size - IN_USE : 0
      const amounts = {
        sessions: size,
        inUse: IN_USE,
        away: Math.floor(rest * 0.25),
        fresh: Math.floor(rest * 0.5),
      }
      run.say(`storing ${size} sessions in ${kind}`)
      nodes.set(`${kind} ${size}`, await startNode(run, kind, amounts))
    }
  }

  for (const { server, port, filled } of nodes.values()) {
    const served = { server, port, visitors: filled.inUse }
    await warmUp(load, served, { connections: CONNECTIONS, seconds })
  }

  const result: StoredRound[] = []
  for (let round = 0; round < rounds; round++) {
    const inUse: Record<string, Measured> = {}
    const missed: Record<string, Measured> = {}
    const missedAndNoted: Record<string, Measured> = {}
    for (const [name, { server, port, filled }] of inAnotherOrder([...nodes], round)) {
      const served = { server, port, visitors: filled.inUse }
      inUse[name] = await measure(load, served, { connections: CONNECTIONS, seconds })
      run.say(`round ${round + 1} of ${rounds}, ${name}: ${inSeconds(inUse[name])}`)
    }
    for (const kind of ['sqlite', 'postgres']) {
      const { server, port, filled } = nodes.get(`${kind} ${most}`) as Node
      const miss = async (visitors: Filled['away']): Promise<Measured> => {
        // Each visitor is used only once, in a single round.
        const share = Math.floor(visitors.length / rounds)
        const headers = visitors.slice(round * share, (round + 1) * share).map((one) => one.header)
        const order = { ports: [port], headers, connections: CONNECTIONS, seconds }
        return measureOnce(load, server, { ...order, once: true })
      }
      missed[kind] = await miss(filled.fresh)
      missedAndNoted[kind] = await miss(filled.away)
      run.say(
        `round ${round + 1} of ${rounds}, ${kind} missed: ${inSeconds(missed[kind])}, and recorded: ${inSeconds(missedAndNoted[kind])}`,
      )
    }
    result.push({ inUse, missed, missedAndNoted })
  }
  for (const { server } of nodes.values()) await server.end()
  await load.end()
  return { connections: CONNECTIONS, inUse: IN_USE, sizes, seconds, rounds: result }
}

interface Node {
  readonly server: Program<Server>
  readonly port: number
  readonly filled: Filled
}

async function startNode(run: Run, kind: StoreKind, amounts: Amounts): Promise<Node> {
  const packages = kind === 'postgres' ? ['pg'] : []
  const place = await makePlace(run, `stored-${kind}-${amounts.sessions}`, packages)
  const server = await start<Server>('server.ts', { measured: true })
  const port = await server.serveStore(kind, place)
  const filled =
    kind === 'sqlite'
      ? fillSqlite(join(place.folder, 'latchkey.db'), amounts)
      : await fillPostgres(place.postgresUrl, amounts)
  await check(port, filled.inUse, true)
  return { server, port, filled }
}

function inSeconds({ requestsPerSecond, cpu }: Measured): string {
  return `${Math.round(requestsPerSecond)}/s, ${cpu.toFixed(1)} µs`
}
