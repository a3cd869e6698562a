import { DatabaseSync } from 'node:sqlite'
import { postgres } from '../store/postgres.ts'
import { sqlite } from '../store/sqlite.ts'
import type { Store } from '../store/store.ts'
import { temporaryFile } from './app.ts'
import { ask, emptyDatabase } from './postgres.ts'
import type { Kept } from './server.ts'

/** A database that several servers share, which a test can also access directly. */
export interface Shared {
  /** The settings for a server in a separate process. */
  readonly kept: Kept
  /** Returns a store for a server in this process. */
  store(): Store
  /** Runs SQL that both databases understand. */
  ask(sql: string): Promise<Record<string, unknown>[]>
}

/** Creates an empty SQLite file. */
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

/**
 * Creates an empty PostgreSQL database. Its servers trust the sessions that they have read for the longest
 * possible time.
 */
export async function sharedDatabase(): Promise<Shared> {
  const url = await emptyDatabase()
  const options = { maxStaleness: 60_000 }
  return {
    kept: { url, options },
    store: () => postgres(url, options),
    ask: (sql) => ask(url, sql),
  }
}

/** The databases for tests that must pass with both of them. */
export const shareables: readonly [what: string, make: () => Promise<Shared>][] = [
  ['one SQLite file', sharedFile],
  ['one PostgreSQL', sharedDatabase],
]

/** Returns the number of rows in each table about people. */
export async function countPeople({
  ask,
}: Shared): Promise<{ users: number; identities: number; sessions: number }> {
  const [row] = await ask(`select
    cast((select count(*) from latchkey_users) as integer) as users,
    cast((select count(*) from latchkey_identities) as integer) as identities,
    cast((select count(*) from latchkey_sessions) as integer) as sessions`)
  return { ...(row as Awaited<ReturnType<typeof countPeople>>) }
}
