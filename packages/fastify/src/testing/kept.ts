import { DatabaseSync } from 'node:sqlite'
import { postgres } from '../store/postgres.ts'
import { sqlite } from '../store/sqlite.ts'
import type { Store } from '../store/store.ts'
import { temporaryFile } from './app.ts'
import { ask, emptyDatabase } from './postgres.ts'
import type { Kept } from './server.ts'

/** Where several servers keep the same, and what a test may ask of it behind their backs. */
export interface Shared {
  /** What a server of its own process is told. */
  readonly kept: Kept
  /** A store for a server in this process. */
  store(): Store
  /** Asks in SQL that both databases understand. */
  ask(sql: string): Promise<Record<string, unknown>[]>
}

/** An empty SQLite file. */
export async function sharedFile(): Promise<Shared> {
  const file = temporaryFile()
  return {
    kept: { file },
    store: () => sqlite(file),
    async ask(sql) {
      const database = new DatabaseSync(file)
      try {
        return database.prepare(sql).all()
      } finally {
        database.close()
      }
    },
  }
}

/** An empty PostgreSQL database, whose servers trust what they have heard for as long as they can. */
export async function sharedDatabase(): Promise<Shared> {
  const url = await emptyDatabase()
  const options = { maxStaleness: 60_000 }
  return {
    kept: { url, options },
    store: () => postgres(url, options),
    ask: (sql) => ask(url, sql),
  }
}

/** For what must hold for both. */
export const shareables: readonly [what: string, make: () => Promise<Shared>][] = [
  ['one SQLite file', sharedFile],
  ['one PostgreSQL', sharedDatabase],
]

/** How many rows each table of people has. */
export async function countPeople({
  ask,
}: Shared): Promise<{ users: number; identities: number; sessions: number }> {
  const [row] = await ask(`select
    cast((select count(*) from latchkey_users) as integer) as users,
    cast((select count(*) from latchkey_identities) as integer) as identities,
    cast((select count(*) from latchkey_sessions) as integer) as sessions`)
  return { ...(row as Awaited<ReturnType<typeof countPeople>>) }
}
