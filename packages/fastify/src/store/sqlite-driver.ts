import type { DatabaseSync } from 'node:sqlite'
import { MOST_SWEPT, RETENTION } from '../record/record.ts'
import { queue } from './queue.ts'
import type { Sql, SqlDriver, Watcher } from './sql.ts'
import { isBusy, isFull, openDatabase } from './sqlite-file.ts'
import { type RecordReader, readRecord } from './sqlite-record.ts'
import { statementsOf } from './sqlite-statements.ts'
import type { Durability } from './store.ts'

/** How often the file is looked at while somebody waits for changes, in milliseconds. */
const ATTENTION = 100

export async function connectSqlite(file: string, { changed }: Watcher): Promise<SqlDriver> {
  const database = await openDatabase(file)
  const sql = statementsOf(database)
  const inTurn = queue()
  let reader: RecordReader | undefined

  // Not in the middle of a transaction, whose connection this is too.
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
    // One transaction at a time may write, and each takes that right as it begins.
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

/** Runs a transaction. If it changes users or sessions and the disk is full, it runs again in the reserve's room. */
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
    // Room inside the file, for a file that may not grow. Where the disk has none for the write-ahead log
    // either, nothing can be written at all.
    await sql`delete from latchkey_reserve`
    return run()
  }
}

async function runTransaction<T>(
  { database, sql, ended }: Connection,
  durability: Durability,
  work: () => Promise<T>,
): Promise<T> {
  // In WAL mode a commit reaches the disk at once only under synchronous=FULL.
  // https://sqlite.org/pragma.html#pragma_synchronous
  const isLasting = durability === 'power-loss'
  try {
    // One that could not be rolled back when it ended.
    if (database.isTransaction) await sql`rollback`
    if (isLasting) await sql`pragma synchronous = full`
    // One that begins by reading could not be promoted to writing once another process has written;
    // one that takes the write lock at once waits for its turn instead.
    await sql`begin immediate`
    const result = await work()
    await sql`commit`
    return result
  } finally {
    // Unless SQLite has rolled it back by itself, as it does when a disk is full.
    // https://sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction
    if (database.isTransaction) await sql`rollback`
    // Also after a commit that failed, for it may have taken place.
    ended()
    if (isLasting) await sql`pragma synchronous = normal`
  }
}

/** Deletes old rows of the record, and makes the reserve again. */
async function sweep(sql: Sql): Promise<void> {
  try {
    await sql`insert into latchkey_reserve select zeroblob(32768)
      where not exists (select 1 from latchkey_reserve)`
  } catch (error) {
    if (!isFull(error)) throw error
  }
  // The newest of the old rows stays: by it a reader sees whether it has missed any.
  await sql`delete from latchkey_record where id in (select id from latchkey_record
    where id < (select max(id) from latchkey_record where at < ${Date.now() - RETENTION.cache})
    order by id limit ${MOST_SWEPT})`
}
