import { setTimeout } from 'node:timers/promises'
import { type Connection, get, openConnection } from './connection.ts'
import { obey } from './processes.ts'
import { percentile } from './statistics.ts'

export interface LoadOrder {
  /** The ports that receive the requests, in turn. */
  readonly ports: readonly number[]
  /** The header line of each request to `GET /me`, in turn. Every response must be a 200. */
  readonly headers: readonly string[]
  readonly connections: number
  readonly seconds: number
  /** Requests per second. By default, each connection sends one request after the other. */
  readonly rate?: number
  /** Sends each request once and stops after the last response. */
  readonly once?: boolean
  /** Sends every request to each port in turn, instead of distributing the requests among the ports. */
  readonly each?: boolean
}

export interface LoadResult {
  readonly requests: number
  readonly seconds: number
  /** Milliseconds from a request to its complete response. */
  readonly p50: number
  readonly p99: number
  /**
   * How much of its core the load generator used, from 0 to 1. If this is close to 1, the load generator limits the
   * result.
   */
  readonly busy: number
}

/** The position in the list of requests. */
interface Cursor {
  next: number
}

const orders = {
  async put(order: LoadOrder): Promise<LoadResult> {
    const { ports, headers, connections, seconds, rate, once = false, each = false } = order
    const requests = headers.map((header) => get('/me', header))
    const failure = Promise.withResolvers<never>()
    const all = Promise.withResolvers<void>()
    const open = await Promise.all(
      Array.from({ length: connections }, (_, index) =>
        openConnection(ports[index % ports.length] as number, failure.reject),
      ),
    )
    const latencies: number[] = []
    let sent = 0
    let over = false

    // Connections that take turns share one cursor.
    const shared: Cursor = { next: 0 }
    const ownCursors = ports.map((): Cursor => ({ next: 0 }))
    const cursorOf = (index: number): Cursor =>
      (each ? ownCursors[index % ports.length] : undefined) ?? shared
    const total = each ? requests.length * ports.length : requests.length

    const ask = (connection: Connection, cursor: Cursor, done: () => void): void => {
      const asked = performance.now()
      const request = requests[cursor.next++ % requests.length] as string
      sent++
      connection.ask(request, ({ status, head, body }) => {
        if (status !== 200) return failure.reject(new Error(`${head}\n${body}`))
        latencies.push(performance.now() - asked)
        done()
      })
    }
    const again = (connection: Connection, cursor: Cursor): void => {
      if (once && cursor.next >= requests.length) {
        if (latencies.length >= total) all.resolve()
      } else if (!over) ask(connection, cursor, () => again(connection, cursor))
    }

    const cpu = process.cpuUsage()
    const started = performance.now()
    if (rate === undefined) {
      for (const [index, connection] of open.entries()) again(connection, cursorOf(index))
      await Promise.race([setTimeout(seconds * 1000), all.promise, failure.promise])
    } else {
      const idle = [...open]
      while (performance.now() - started < seconds * 1000) {
        const due = ((performance.now() - started) / 1000) * rate
        while (sent < due) {
          const connection = idle.pop()
          if (connection === undefined) break
          ask(connection, shared, () => idle.unshift(connection))
        }
        await Promise.race([setTimeout(1), failure.promise])
      }
    }
    over = true
    const elapsed = (performance.now() - started) / 1000
    const { user, system } = process.cpuUsage(cpu)
    for (const connection of open) connection.close()

    return {
      requests: latencies.length,
      seconds: elapsed,
      p50: percentile(latencies, 0.5),
      p99: percentile(latencies, 0.99),
      busy: (user + system) / 1e6 / elapsed,
    }
  },
}

export type Load = typeof orders

obey(orders)
