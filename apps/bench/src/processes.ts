import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

/** A child process that accepts orders, which can be called like functions. */
export type Program<Orders> = {
  readonly [Name in keyof Orders]: Orders[Name] extends (...given: infer Given) => infer Result
    ? (...given: Given) => Promise<Awaited<Result>>
    : never
} & { end(): Promise<void> }

interface Question {
  readonly number: number
  readonly name: string
  readonly given: unknown[]
}

interface Answer {
  readonly number: number
  readonly result?: unknown
  readonly error?: string
}

/** The core for measured processes, once all other processes are pinned to another core. */
let serverCore: string | null = null

/**
 * Pins this process and its children to the last core. Measured processes get the first one. On machines with many
 * cores, these two are not threads of the same physical core.
 * @returns whether processes can be pinned on this machine
 */
export function pinProcesses(): boolean {
  const last = availableParallelism() - 1
  if (last < 1) return false
  const { status } = spawnSync('taskset', ['-acp', `${last}`, `${process.pid}`])
  if (status === 0) serverCore = '0'
  return status === 0
}

/**
 * Returns the command that runs Node with these arguments.
 * @param measured Whether the process gets the reserved core.
 */
export function nodeCommand(measured: boolean, ...given: string[]): [string, ...string[]] {
  const node: [string, ...string[]] = [process.execPath, ...given]
  return measured && serverCore !== null ? ['taskset', '-c', serverCore, ...node] : node
}

/** Starts a program that calls `obey`. It ends when this process ends, if not earlier. */
export async function start<Orders>(
  file: string,
  { measured, flags = [] }: { measured: boolean; flags?: string[] },
): Promise<Program<Orders>> {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const [command, ...given] = nodeCommand(measured, ...flags, path)
  const child = spawn(command, given, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production', NODE_OPTIONS: '' },
  })
  const ended = once(child, 'exit')
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let asked = 0

  child.on('message', ({ number, result, error }: Answer) => {
    const { resolve, reject } = waiting.get(number) ?? {}
    waiting.delete(number)
    if (error === undefined) resolve?.(result)
    else reject?.(new Error(`${file}: ${error}`))
  })
  ended.then(([code, signal]) => {
    for (const { reject } of waiting.values()) reject(new Error(`${file} ended: ${signal ?? code}`))
  })

  const ask = (name: string, given: unknown[]): Promise<unknown> => {
    const answer = Promise.withResolvers<unknown>()
    const number = ++asked
    waiting.set(number, answer)
    child.send({ number, name, given } satisfies Question, (error) => {
      if (error !== null) answer.reject(error)
    })
    return answer.promise
  }
  await ask('ready', [])
  return new Proxy({} as Program<Orders>, {
    get(_target, name) {
      if (name === 'then') return undefined
      if (name !== 'end') return (...given: unknown[]) => ask(String(name), given)
      return async () => {
        child.disconnect()
        await ended
      }
    },
  })
}

/** Returns the milliseconds of a clock that all processes on this machine share. */
export function sharedClock(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Carries out the orders that the parent process sends. A program that is started with `start` calls this. */
export function obey<Orders extends object>(orders: Orders): void {
  const known = new Map<string, (...given: unknown[]) => unknown>(
    Object.entries({ ready: () => {}, ...orders }),
  )
  process.on('disconnect', () => process.exit())
  process.on('message', async ({ number, name, given }: Question) => {
    let answer: Answer
    try {
      answer = { number, result: await known.get(name)?.(...given) }
    } catch (error) {
      answer = { number, error: error instanceof Error ? `${error.stack}` : `${error}` }
    }
    process.send?.(answer)
  })
}
