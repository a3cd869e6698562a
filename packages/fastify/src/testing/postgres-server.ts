import { fork } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import type { TestProject } from 'vitest/node'
import type { Orders } from './postgres-keeper.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A loopback port. Send it a `Question` to get an answer. */
    postgres: number
  }
}

/**
 * Asks for the URL of the run's PostgreSQL server, or for a data folder that no server has used (`''` if
 * there is none).
 */
export type Question = 'url' | 'folder'

/** A PostgreSQL server that belongs to this process and never outlives it. */
export interface PostgresServer {
  readonly url: string
  readonly folder: string
  /** A copy of the data folder from before the first start, if `keepsUnused` is set. */
  readonly unused: string
  /** Starts it again with its data intact. */
  start(): Promise<void>
  /** Shuts it down cleanly: closes connections and rolls back open transactions. */
  stop(): Promise<void>
  /** Kills it, as a crash would. */
  kill(): Promise<void>
  /** Stops it permanently and removes its data. */
  close(): Promise<void>
}

/** @param orders Default: an empty server with PostgreSQL's default durability settings. */
export async function startServer(orders: Partial<Orders> = {}): Promise<PostgresServer> {
  const argument: Orders = {
    settings: {},
    standbyOf: null,
    copyOf: null,
    keepsUnused: false,
    ...orders,
  }
  const keeper = fork(
    new URL('./postgres-keeper.ts', import.meta.url),
    [JSON.stringify(argument)],
    {
      // Keeps a Ctrl-C that is meant for the tests from reaching this process.
      detached: true,
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    },
  )

  async function done(): Promise<{ folder: string; port: number; unused: string }> {
    const ended = new AbortController()
    const gone = once(keeper, 'exit', { signal: ended.signal }).then(() => {
      throw new Error('the PostgreSQL keeper process has exited')
    })
    const [answer] = await Promise.race([once(keeper, 'message'), gone])
    gone.catch(() => {})
    ended.abort()
    if (answer.error !== undefined) throw new Error(answer.error)
    return answer
  }

  async function order(name: string): Promise<void> {
    keeper.send(name)
    await done()
  }

  const { folder, port, unused } = await done()
  return {
    url: `postgres://postgres:password@127.0.0.1:${port}/postgres`,
    folder,
    unused,
    start: () => order('start'),
    stop: () => order('stop'),
    kill: () => order('kill'),
    async close() {
      const ended = once(keeper, 'exit')
      keeper.disconnect()
      await ended
    },
  }
}

/**
 * Provides a test run with one server, and with a data folder for starting others. The server starts the
 * first time a test asks for it.
 */
export default async function offerServer(project: TestProject): Promise<() => Promise<void>> {
  let starting: Promise<PostgresServer> | undefined
  const given = process.env.LATCHKEY_TEST_POSTGRES_URL

  async function answer(question: string): Promise<string> {
    if (given !== undefined) return question === 'url' ? given : ''
    // No data outlives the run, so it does not need to be durable.
    const settings = { fsync: 'off', full_page_writes: 'off', max_connections: '300' }
    starting ??= startServer({ settings, keepsUnused: true })
    const { url, unused } = await starting
    return question === 'url' ? url : unused
  }

  const offer = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', async (question) => {
      try {
        socket.end(await answer(String(question)))
      } catch (error) {
        socket.end(String(error))
      }
    })
  })
  offer.listen(0, '127.0.0.1')
  await once(offer, 'listening')
  project.provide('postgres', (offer.address() as AddressInfo).port)

  return async () => {
    offer.close()
    await (await starting)?.close()
  }
}

/** Sends a question to the main process of the test run, on the port that `inject('postgres')` returns. */
export function askRun(port: number, question: Question): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(question)
  return text(socket)
}
