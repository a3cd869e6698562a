import type { Browsers, SignInOrder } from './browsers.ts'
import { signInContenders } from './contenders.ts'
import { type Program, start } from './processes.ts'
import type { Provider } from './provider.ts'
import { inAnotherOrder, makePlace, type Run } from './run.ts'
import type { Server } from './server.ts'

/** The result of one contender in one round. */
export interface MeasuredSignIns {
  readonly signInsPerSecond: number
  /** CPU time that the server used per sign-in, in microseconds, including all threads. */
  readonly cpu: number
  /** Milliseconds from the click to the session. */
  readonly p50: number
  readonly p99: number
  /** How much of a core the browsers used, from 0 to 1. */
  readonly loadBusy: number
}

export interface SignInsResult {
  readonly browsers: number
  readonly seconds: number
  /** Results, keyed by contender. */
  readonly rounds: readonly Readonly<Record<string, MeasuredSignIns>>[]
}

interface Asked {
  readonly server: Program<Server>
  readonly order: Omit<SignInOrder, 'seconds'>
}

const BROWSERS = 32

/** Measures complete sign-ins of each contender in turn, with the same provider. */
export async function measureSignIns(run: Run): Promise<SignInsResult> {
  const rounds = run.quick ? 1 : 7
  const seconds = run.quick ? 0.5 : 5
  const provider = await start<Provider>('provider.ts', { measured: false })
  const providerPort = await provider.serve()
  const browsers = await start<Browsers>('browsers.ts', { measured: false })
  const servers = new Map<string, Asked>()
  for (const [name, contender] of Object.entries(signInContenders)) {
    run.say(`starting ${contender.title}`)
    const server = await start<Server>('server.ts', { measured: true })
    const place = await makePlace(run, `sign-in-${name}`, contender.packages)
    const port = await server.serveSignIn(name, providerPort, place)
    const order = {
      server: port,
      provider: providerPort,
      start: contender.start,
      browsers: BROWSERS,
    }
    // A person's first sign-in creates a user. That is not measured.
    await browsers.signIn({ ...order, seconds: seconds * 2 })
    servers.set(name, { server, order })
  }

  const result: Record<string, MeasuredSignIns>[] = []
  for (let round = 0; round < rounds; round++) {
    const measured: Record<string, MeasuredSignIns> = {}
    for (const [name, { server, order }] of inAnotherOrder([...servers], round)) {
      await browsers.signIn({ ...order, seconds: seconds / 4 })
      const before = await server.cpu()
      const {
        signIns,
        seconds: elapsed,
        p50,
        p99,
        busy,
      } = await browsers.signIn({
        ...order,
        seconds,
      })
      const cpu = ((await server.cpu()) - before) / signIns
      measured[name] = { signInsPerSecond: signIns / elapsed, cpu, p50, p99, loadBusy: busy }
      run.say(
        `round ${round + 1} of ${rounds}, ${name}: ${Math.round(signIns / elapsed)}/s, ${Math.round(cpu)} µs`,
      )
    }
    result.push(measured)
  }
  for (const { server } of servers.values()) await server.end()
  await browsers.end()
  await provider.end()
  return { browsers: BROWSERS, seconds, rounds: result }
}
