import { mkdir, open } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { CompiledQuery, SqliteAdapter, type SqliteDatabase, SqliteDialect } from 'kysely'
import { LatchkeyError } from './errors.ts'
import { patiently } from './patience.ts'
import { sqlStore } from './sql-store.ts'
import type { Change, Store } from './store.ts'

/**
 * How long a statement waits for another process's transaction, in milliseconds. Not at all, because
 * `node:sqlite` waits with the whole process, once for every request; the store asks again later instead.
 */
const BUSY_TIMEOUT = 0
/** https://sqlite.org/rescode.html#busy; the higher bits say more. */
const SQLITE_BUSY = 5

/**
 * A store in one SQLite file, through Node's own `node:sqlite`, in WAL mode. For one machine: several
 * processes may share the file, several machines may not.
 *
 * @param file A path, made with its folders if it is missing, or `:memory:` for a test.
 * @throws LatchkeyError `LATCHKEY_OPTION_MISSING` without a file; `open()` rejects with
 *   `LATCHKEY_STORE_UNUSABLE` if the file cannot be used.
 */
export function sqlite(file: string | undefined): Store {
  if (file === undefined || file === '') {
    throw new LatchkeyError(
      'LATCHKEY_OPTION_MISSING',
      "sqlite(): the file is missing. Name one, such as './data/latchkey.db', or ':memory:' in a test.",
    )
  }
  if (typeof file !== 'string' || /^[a-z][a-z0-9+.-]*:\/\//i.test(file)) {
    // A folder would be called after the password in it.
    throw new LatchkeyError(
      'LATCHKEY_OPTION_INVALID',
      "sqlite(): the file must be a path, such as './data/latchkey.db'. For the URL of a PostgreSQL there is postgres().",
    )
  }

  return sqlStore(async (watchers) => {
    const database = await openDatabase(file)
    return {
      dialect: new NodeSqliteDialect({ database: asKyselyExpects(database) }),
      isBusy,
      // One transaction at a time may write, and each takes that right as it begins.
      locksRows: false,
      isCurrent: watchFile(database, watchers.forget),
      maxAge: Number.POSITIVE_INFINITY,

      async transaction(db, durability, work) {
        if (durability === 'process') return db.transaction().execute(work)
        // In WAL mode a commit reaches the disk at once only under synchronous=FULL.
        // https://sqlite.org/pragma.html#pragma_synchronous
        return db.connection().execute(async (connection) => {
          await connection.executeQuery(CompiledQuery.raw('pragma synchronous = full'))
          try {
            return await connection.transaction().execute(work)
          } finally {
            await connection.executeQuery(CompiledQuery.raw('pragma synchronous = normal'))
          }
        })
      },
    }
  })
}

async function openDatabase(file: string): Promise<DatabaseSync> {
  const { DatabaseSync } = await import('node:sqlite')
  let database: DatabaseSync | undefined
  try {
    if (file !== ':memory:') {
      await mkdir(dirname(resolve(file)), { recursive: true })
      // People's names and addresses are nobody else's on this machine. SQLite gives the files beside it
      // the mode of the first.
      await (await open(file, 'a', 0o600)).close()
    }
    const opened = new DatabaseSync(file, { timeout: BUSY_TIMEOUT })
    database = opened
    // The change to WAL is refused at once, timeout or not, while another process makes it too.
    await patiently(isBusy, async () => {
      opened.exec(
        'pragma journal_mode = wal; pragma synchronous = normal; pragma foreign_keys = on',
      )
    })
    return opened
  } catch (error) {
    database?.close()
    const reason = error instanceof Error ? error.message : String(error)
    const cure = isBusy(error)
      ? 'Another process holds it. Try again once it is done.'
      : 'Check that the folder exists, that this process may write to it, and that the file is a SQLite database.'
    throw new LatchkeyError(
      'LATCHKEY_STORE_UNUSABLE',
      `sqlite(): ${file} cannot be used as a database: ${reason}. ${cure}`,
    )
  }
}

/**
 * Tells of commits by others, who are other processes or other connections of this one. SQLite counts
 * them for each connection: https://sqlite.org/pragma.html#pragma_data_version
 * @returns whether everything has been told, which asks SQLite once in a turn of the event loop
 */
function watchFile(database: DatabaseSync, tell: (change: Change) => void): () => boolean {
  const statement = database.prepare('pragma data_version')
  let version = statement.get()?.data_version
  let asked = 0

  return () => {
    const turn = thisTurn()
    if (asked === turn) return true
    try {
      const now = statement.get()?.data_version
      if (now !== version) tell('everything')
      version = now
      asked = turn
      return true
    } catch {
      // Whatever is wrong with the file, asking it for a session will say so.
      return false
    }
  }
}

/** The turn of the event loop, or the part of it since something was last written in this process. */
let turn = 1
let counting = false

function thisTurn(): number {
  if (!counting) {
    counting = true
    setImmediate(() => {
      counting = false
      turn++
    })
  }
  return turn
}

function isBusy(error: unknown): boolean {
  return ((error as { errcode?: number }).errcode ?? 0) % 256 === SQLITE_BUSY
}

class NodeSqliteDialect extends SqliteDialect {
  override createAdapter(): SqliteAdapter {
    return new TransactionalDdlAdapter()
  }
}

/** SQLite does roll back DDL; saying so makes the migrator run in one transaction, all or nothing. */
class TransactionalDdlAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

/**
 * What Kysely calls, which is better-sqlite3's shape, on `node:sqlite`. There are some forty statements,
 * and to prepare one takes longer than to run it, so each is prepared once. (Of those that make tables
 * too, for SQLite prepares a statement anew by itself when its tables have changed.)
 */
function asKyselyExpects(database: DatabaseSync): SqliteDatabase {
  const prepared = new Map<string, ReturnType<SqliteDatabase['prepare']>>()
  return {
    close: () => database.close(),
    prepare(given) {
      const sql = spelled(given, database)
      const known = prepared.get(sql) ?? prepare(database, sql)
      prepared.set(sql, known)
      return known
    },
  }
}

function prepare(database: DatabaseSync, sql: string): ReturnType<SqliteDatabase['prepare']> {
  const statement = database.prepare(sql)
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...(parameters as SQLInputValue[])),
    run(parameters) {
      // Other connections of this process are not to wait for the next turn to see it.
      turn++
      return statement.run(...(parameters as SQLInputValue[]))
    },
    iterate: (parameters) => statement.iterate(...(parameters as SQLInputValue[])),
  }
}

function spelled(sql: string, database: DatabaseSync): string {
  // A transaction that begins by reading could not be promoted to writing once another process has
  // written; one that takes the write lock at once waits for its turn instead.
  if (sql === 'begin') return 'begin immediate'
  // A full disk ends the transaction by itself. A rollback of none would throw, and hide what happened.
  // https://sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction
  if (sql === 'rollback' && !database.isTransaction) return 'select 1'
  return sql
}
