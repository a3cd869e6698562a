import type { Visitor } from './contenders/contender.ts'
import type { Load, LoadOrder } from './load.ts'
import type { Program } from './processes.ts'
import type { Server } from './server.ts'

// Puts a server with `GET /me` under load and measures it.

/** The result of one measurement. */
export interface Measured {
  readonly requestsPerSecond: number
  /** CPU time that the server used per request, in microseconds, including all threads. */
  readonly cpu: number
  /** Latency in milliseconds. */
  readonly p50: number
  readonly p99: number
  /** How much of their cores the server and the load generator used, from 0 to 1. */
  readonly serverBusy: number
  readonly loadBusy: number
}

/** A server and its signed-in visitors. */
export interface Served {
  readonly server: Program<Server>
  readonly port: number
  readonly visitors: readonly Visitor[]
}

interface Pace {
  readonly connections: number
  readonly seconds: number
}

/** Sends requests without measuring them, because a new process is slow at first. */
export async function warmUp(load: Program<Load>, served: Served, pace: Pace): Promise<void> {
  await load.put(orderFor(served, pace))
}

/** Measures after a short warm-up, because other servers have used the core since the last measurement. */
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

/**
 * Checks that a server identifies its visitors and, if `refuses`, rejects a request without a session.
 * @throws Error if it does not
 */
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
      throw new Error(`The status is ${answer.status} instead of ${status}: ${body}`)
    return JSON.parse(body)
  }
  for (const index of refuses ? [0, Math.floor(visitors.length / 2), visitors.length - 1] : [0]) {
    const { person, header } = visitors[index] as Visitor
    const answer = await ask(header, 200)
    if (JSON.stringify(answer) === JSON.stringify(person)) continue
    throw new Error(`The response to ${person.name} is ${JSON.stringify(answer)}`)
  }
  if (refuses) await ask(null, 401)
}

export function perSecond(measured: Readonly<Record<string, Measured>>, name: string): number {
  return measured[name]?.requestsPerSecond ?? Number.NaN
}
