import { fork } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import type { TestProject } from 'vitest/node'
import type { Orders } from './postgres-keeper.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A port on loopback that answers a `Question`. */
    postgres: number
  }
}

/** The URL of the run's PostgreSQL, or a data folder that no server has used (empty if there is none). */
export type Question = 'url' | 'folder'

/** A PostgreSQL that belongs to this process, and ends with it at the latest. */
export interface PostgresServer {
  readonly url: string
  readonly folder: string
  /** A copy of the folder before the first start, if `keepsUnused`. */
  readonly unused: string
  /** Starts it again, with what it had stored. */
  start(): Promise<void>
  /** Ends it in good order: connections are cut, transactions undone. */
  stop(): Promise<void>
  /** Ends it as a crash would. */
  kill(): Promise<void>
  /** Ends it for good. */
  close(): Promise<void>
}

/** @param orders Default: an empty server that writes as safely as one is by default. */
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
      // Not to be reached by a Ctrl-C that is meant for the tests.
      detached: true,
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    },
  )

  async function done(): Promise<{ folder: string; port: number; unused: string }> {
    const ended = new AbortController()
    const gone = once(keeper, 'exit', { signal: ended.signal }).then(() => {
      throw new Error('the keeper of PostgreSQL has ended')
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

/** Offers one server, and a data folder for others, to a run of the tests. It starts when a test first asks. */
export default async function offerServer(project: TestProject): Promise<() => Promise<void>> {
  let starting: Promise<PostgresServer> | undefined
  const given = process.env.LATCHKEY_TEST_POSTGRES_URL

  async function answer(question: string): Promise<string> {
    if (given !== undefined) return question === 'url' ? given : ''
    // Nothing here outlives the run, so there is nothing to keep safe.
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

/** Asks the process of the run, on the port that `inject('postgres')` returns. */
export function askRun(port: number, question: Question): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(question)
  return text(socket)
}
