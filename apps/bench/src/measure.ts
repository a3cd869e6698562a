import type { Visitor } from './contenders/contender.ts'
import type { Load, LoadOrder } from './load.ts'
import type { Program } from './processes.ts'
import type { Server } from './server.ts'

// How a server with `GET /me` is put under load, and what comes of it.

/** What came of it once. */
export interface Measured {
  readonly requestsPerSecond: number
  /** Microseconds of the server's CPU for a request, its threads included. */
  readonly cpu: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  /** How much of their cores server and load generator had, from 0 to 1. */
  readonly serverBusy: number
  readonly loadBusy: number
}

/** A server, and who may ask it. */
export interface Served {
  readonly server: Program<Server>
  readonly port: number
  readonly visitors: readonly Visitor[]
}

interface Pace {
  readonly connections: number
  readonly seconds: number
}

/** A process is slow until it has done the same for a while. */
export async function warmUp(load: Program<Load>, served: Served, pace: Pace): Promise<void> {
  await load.put(orderFor(served, pace))
}

/** After a shorter warm-up, as others have had the core meanwhile. */
export async function measure(
  load: Program<Load>,
  served: Served,
  { connections, seconds }: Pace,
): Promise<Measured> {
  await warmUp(load, served, { connections, seconds: seconds / 4 })
  return measureOnce(load, served.server, orderFor(served, { connections, seconds }))
}

function orderFor({ port, visitors }: Served, pace: Pace): LoadOrder {
  return { ports: [port], headers: visitors.map(({ header }) => header), ...pace }
}

/** @param server One server, or an object that adds up the CPU time of several. */
export async function measureOnce(
  load: Program<Load>,
  server: Pick<Program<Server>, 'cpu'>,
  order: LoadOrder,
): Promise<Measured> {
  const before = await server.cpu()
  const { requests, seconds, p50, p99, busy } = await load.put(order)
  const cpu = (await server.cpu()) - before
  return {
    requestsPerSecond: requests / seconds,
    cpu: cpu / requests,
    p50,
    p99,
    serverBusy: cpu / 1e6 / seconds,
    loadBusy: busy,
  }
}

/** @throws Error unless the right people are let in, and nobody else. */
export async function check(
  port: number,
  visitors: readonly Visitor[],
  refuses: boolean,
): Promise<void> {
  const ask = async (header: string | null, status: number): Promise<unknown> => {
    const [name = '', value = ''] = header?.split(/: (.*)/, 2) ?? []
    const headers = header === null ? {} : { [name]: value }
    const answer = await fetch(`http://127.0.0.1:${port}/me`, { headers })
    const body = await answer.text()
    if (answer.status !== status)
      throw new Error(`${answer.status} where ${status} is right: ${body}`)
    return JSON.parse(body)
  }
  for (const index of refuses ? [0, Math.floor(visitors.length / 2), visitors.length - 1] : [0]) {
    const { person, header } = visitors[index] as Visitor
    const answer = await ask(header, 200)
    if (JSON.stringify(answer) === JSON.stringify(person)) continue
    throw new Error(`${JSON.stringify(answer)} where ${person.name} asked`)
  }
  if (refuses) await ask(null, 401)
}

export function perSecond(measured: Readonly<Record<string, Measured>>, name: string): number {
  return measured[name]?.requestsPerSecond ?? Number.NaN
}
