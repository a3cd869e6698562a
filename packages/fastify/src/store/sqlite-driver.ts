import type { DatabaseSync } from 'node:sqlite'
import { MOST_SWEPT, RETENTION } from '../record/record.ts'
import { queue } from './queue.ts'
import type { Sql, SqlDriver, Watcher } from './sql.ts'
import { isBusy, isFull, openDatabase } from './sqlite-file.ts'
import { type RecordReader, readRecord } from './sqlite-record.ts'
import { statementsOf } from './sqlite-statements.ts'
import type { Durability } from './store.ts'

/** How often to check the file while something is waiting for changes, in milliseconds. */
const ATTENTION = 100

export async function connectSqlite(file: string, { changed }: Watcher): Promise<SqlDriver> {
  const database = await openDatabase(file)
  const sql = statementsOf(database)
  const inTurn = queue()
  let reader: RecordReader | undefined

  // Statements wait for their turn, because a transaction uses the same connection.
  const alone: Sql = (statement, ...values) => inTurn(() => sql(statement, ...values))
  const transaction: SqlDriver['transaction'] = (durability, work) => {
    const connection = { database, sql, ended: () => reader?.readOwn() }
    return inTurn(() => runWithReserve(connection, durability, work))
  }

  return {
    dialect: 'sqlite',
    async isEmpty() {
      const found = await alone`select 1 from sqlite_schema where name = 'latchkey_migrations'`
      return found.length === 0
    },
    sql: alone,
    transaction,
    // Each transaction takes the write lock when it begins, so only one runs at a time.
    exclusive: (work) => transaction('power-loss', work),
    isBusy,
    follow() {
      reader = readRecord(database, changed)
    },
    isCurrent: () => reader?.isCurrent() ?? false,
    isFollowing: () => reader !== undefined,
    attend() {
      const timer = setInterval(() => reader?.isCurrent(), ATTENTION).unref()
      return () => clearInterval(timer)
    },
    sweepRecord: () => sweep(alone),
    close: () => inTurn(async () => database.close()),
  }
}

interface Connection {
  readonly database: DatabaseSync
  readonly sql: Sql
  /** Called after each transaction, however it ended. */
  ended(): void
}

/**
 * Runs a transaction. If it changes users or sessions and the disk is full, it runs again in the
 * reserved space.
 */
async function runWithReserve<T>(
  connection: Connection,
  durability: Durability,
  work: (sql: Sql, recorded: () => void) => Promise<T>,
): Promise<T> {
  const { sql } = connection
  let isEnding = false
  const run = (): Promise<T> =>
    runTransaction(connection, durability, () =>
      work(sql, () => {
        isEnding = true
      }),
    )
  try {
    return await run()
  } catch (error) {
    if (!isEnding || !isFull(error)) throw error
    // Frees space inside a file that cannot grow. If the disk has no space for the write-ahead log either,
    // nothing can be written.
    await sql`delete from latchkey_reserve`
    return run()
  }
}

async function runTransaction<T>(
  { database, sql, ended }: Connection,
  durability: Durability,
  work: () => Promise<T>,
): Promise<T> {
  // In WAL mode, a commit is synced to disk immediately only with synchronous=FULL.
  // https://sqlite.org/pragma.html#pragma_synchronous
  const isLasting = durability === 'power-loss'
  try {
    // The previous transaction could not be rolled back when it ended.
    if (database.isTransaction) await sql`rollback`
    if (isLasting) await sql`pragma synchronous = full`
    // A transaction that begins with a read cannot start to write once another process has written.
    // One that takes the write lock immediately waits for its turn instead.
    await sql`begin immediate`
    const result = await work()
    await sql`commit`
    return result
  } finally {
    // SQLite may have already rolled it back, as it does when a disk is full.
    // https://sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction
    if (database.isTransaction) await sql`rollback`
    // Do this even after a failed commit, because it may have succeeded anyway.
    ended()
    if (isLasting) await sql`pragma synchronous = normal`
  }
}

/** Deletes old rows of the record, and restores the reserved space. */
async function sweep(sql: Sql): Promise<void> {
  try {
    await sql`insert into latchkey_reserve select zeroblob(32768)
      where not exists (select 1 from latchkey_reserve)`
  } catch (error) {
    if (!isFull(error)) throw error
  }
  // Keep the newest of the old rows: it shows a reader whether it has missed any.
  await sql`delete from latchkey_record where id in (select id from latchkey_record
    where id < (select max(id) from latchkey_record where at < ${Date.now() - RETENTION.cache})
    order by id limit ${MOST_SWEPT})`
}
