import { contenders } from './contenders.ts'
import type { Load } from './load.ts'
import { check, type Measured, measure, type Served, warmUp } from './measure.ts'
import { start } from './processes.ts'
import { inAnotherOrder, makePlace, type Run } from './run.ts'
import type { Server } from './server.ts'

export interface GuardResult {
  readonly connections: number
  readonly people: number
  readonly seconds: number
  /** Results, keyed by contender. */
  readonly rounds: readonly Readonly<Record<string, Measured>>[]
}

const CONNECTIONS = 64

/** Measures a guarded `GET /me` for all contenders, in a different order each round. */
export async function measureGuard(run: Run): Promise<GuardResult> {
  // Many short rounds, because other load on the machine changes from second to second. A share
  // compares measurements that are only seconds apart.
  const rounds = run.quick ? 1 : 25
  const seconds = run.quick ? 0.5 : 1
  const people = run.quick ? 200 : 1_000
  const load = await start<Load>('load.ts', { measured: false })
  const servers = new Map<string, Served>()
  for (const [name, { title, packages }] of Object.entries(contenders)) {
    run.say(`starting ${title}`)
    const server = await start<Server>('server.ts', { measured: true })
    const place = await makePlace(run, `guard-${name}`, packages)
    const served = { server, ...(await server.serve(name, people, place)) }
    await check(served.port, served.visitors, name !== 'bare')
    await warmUp(load, served, { connections: CONNECTIONS, seconds })
    servers.set(name, served)
  }

  const result: Record<string, Measured>[] = []
  for (let round = 0; round < rounds; round++) {
    const measured: Record<string, Measured> = {}
    for (const [name, served] of inAnotherOrder([...servers], round)) {
      measured[name] = await measure(load, served, { connections: CONNECTIONS, seconds })
      const { requestsPerSecond, cpu } = measured[name]
      run.say(
        `round ${round + 1} of ${rounds}, ${name}: ${Math.round(requestsPerSecond)}/s, ${cpu.toFixed(1)} µs`,
      )
    }
    result.push(measured)
  }
  for (const { server } of servers.values()) await server.end()
  await load.end()
  return { connections: CONNECTIONS, people, seconds, rounds: result }
}
