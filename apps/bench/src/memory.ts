import { join } from 'node:path'
import { fillSqlite } from './fill.ts'
import type { Load } from './load.ts'
import { start } from './processes.ts'
import { makePlace, type Run } from './run.ts'
import type { Server } from './server.ts'

export interface MemoryResult {
  readonly sessions: number
  /** Bytes of the server's heap for each cached session, one value per run. */
  readonly bytes: readonly number[]
}

const FIRST = 2_000

/** Measures how much a server's heap grows per cached session, after garbage collection. */
export async function measureMemory(run: Run): Promise<MemoryResult> {
  const runs = run.quick ? 1 : 5
  // This is fewer than the server's cache can hold.
  const sessions = run.quick ? 10_000 : 40_000
  const bytes: number[] = []
  const load = await start<Load>('load.ts', { measured: false })
  for (let number = 0; number < runs; number++) {
    const place = await makePlace(run, `memory-${number}`, [])
    const server = await start<Server>('server.ts', { measured: true, flags: ['--expose-gc'] })
    const port = await server.serveStore('sqlite', place)
    const amounts = { sessions: sessions + FIRST, inUse: 0, away: 0, fresh: sessions + FIRST }
    const { fresh } = fillSqlite(join(place.folder, 'latchkey.db'), amounts)
    const headers = fresh.map((visitor) => visitor.header)
    const order = { ports: [port], connections: 16, seconds: 600, once: true }
    // The first requests allocate memory that does not belong to a session.
    await load.put({ ...order, headers: headers.slice(0, FIRST) })
    const before = await server.heap()
    await load.put({ ...order, headers: headers.slice(FIRST) })
    bytes.push(((await server.heap()) - before) / sessions)
    await server.end()
    run.say(`run ${number + 1} of ${runs}: ${Math.round(bytes[number] ?? 0)} bytes per session`)
  }
  await load.end()
  return { sessions, bytes }
}
