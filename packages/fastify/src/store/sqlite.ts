import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { LatchkeyError } from '../http/errors.ts'
import { changesIn, MOST_ROWS, MOST_SWEPT, RETENTION, type RecordRow } from '../record/record.ts'
import { patiently } from './patience.ts'
import type { Sql, SqlDriver, Value } from './sql.ts'
import { sqlStore } from './sql-store.ts'
import type { Change, Durability, Store } from './store.ts'
import { newTurn, thisTurn } from './turn.ts'

/**
 * How long a statement waits for another process's transaction, in milliseconds. Not at all, because
 * `node:sqlite` waits with the whole process, once for every request; the store asks again later instead.
 */
const BUSY_TIMEOUT = 0
/** How often the file is looked at while somebody waits for changes, in milliseconds. */
const ATTENTION = 100
/** https://sqlite.org/rescode.html#busy; the higher bits say more. */
const SQLITE_BUSY = 5
const SQLITE_FULL = 13

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

  return sqlStore(async ({ changed }) => {
    const database = await openDatabase(file)
    const sql = statementsOf(database)
    const inTurn = queue()
    let reader: RecordReader | undefined

    async function runTransaction<T>(
      durability: Durability,
      work: (sql: Sql, recorded: () => void) => Promise<T>,
      recorded: () => void,
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
        const result = await work(sql, recorded)
        await sql`commit`
        return result
      } finally {
        // Unless SQLite has rolled it back by itself, as it does when a disk is full.
        // https://sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction
        if (database.isTransaction) await sql`rollback`
        // Also after a commit that failed, for it may have taken place.
        reader?.readOwn()
        if (isLasting) await sql`pragma synchronous = normal`
      }
    }

    const transaction: SqlDriver['transaction'] = (durability, work) =>
      inTurn(async () => {
        let isEnding = false
        const recorded = (): void => {
          isEnding = true
        }
        try {
          return await runTransaction(durability, work, recorded)
        } catch (error) {
          if (!isEnding || !isFull(error)) throw error
          // Room inside the file, for a file that may not grow. Where the disk has none for the write-ahead log
          // either, nothing can be written at all.
          await sql`delete from latchkey_reserve`
          return runTransaction(durability, work, recorded)
        }
      })

    // Not in the middle of a transaction, whose connection this is too.
    const alone: Sql = (statement, ...values) => inTurn(() => sql(statement, ...values))

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
      async sweepRecord() {
        try {
          await alone`insert into latchkey_reserve select zeroblob(32768)
            where not exists (select 1 from latchkey_reserve)`
        } catch (error) {
          if (!isFull(error)) throw error
        }
        // The newest of the old rows stays: by it a reader sees whether it has missed any.
        await alone`delete from latchkey_record where id in (select id from latchkey_record
          where id < (select max(id) from latchkey_record where at < ${Date.now() - RETENTION.cache})
          order by id limit ${MOST_SWEPT})`
      },
      close: () => inTurn(async () => database.close()),
    }
  })
}

async function openDatabase(file: string): Promise<DatabaseSync> {
  const { DatabaseSync } = await import('node:sqlite')
  let database: DatabaseSync | undefined
  try {
    if (file !== ':memory:') {
      mkdirSync(dirname(resolve(file)), { recursive: true })
      // People's names and addresses are nobody else's on this machine. SQLite gives the files beside it
      // the mode of the first.
      closeSync(openSync(file, 'a', 0o600))
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

interface RecordReader {
  /** Whether everything has been told, which asks SQLite once in a turn of the event loop. */
  isCurrent(): boolean
  /** Tells what this connection has just committed, which `isCurrent` does not see. */
  readOwn(): void
}

/**
 * Reads the record, from where it ends now. Whether others have committed is what SQLite counts for each
 * connection (https://sqlite.org/pragma.html#pragma_data_version); they are other processes, or other
 * connections of this one.
 */
function readRecord(database: DatabaseSync, tell: (change: Change) => void): RecordReader {
  const dataVersion = database.prepare('pragma data_version')
  const rowsAfter =
    database.prepare(`select id, type, session_id as session, user_id as user, reason
    from latchkey_record where id > ? order by id limit ${MOST_ROWS + 1}`)
  const ends = database.prepare(
    'select coalesce(min(id), 0) as first, coalesce(max(id), 0) as last from latchkey_record',
  )
  let version = dataVersion.get()?.data_version
  let cursor = endsNow().last
  let asked = 0

  function endsNow(): { first: number; last: number } {
    return ends.get() as { first: number; last: number }
  }

  function readOn(): void {
    const rows = rowsAfter.all(cursor) as unknown as RecordRow[]
    const { first, last } = endsNow()
    const newest = rows.at(-1)?.id ?? cursor
    // Rows that were not read have been swept, there are too many, or this is another, older file now.
    const isWhole = first <= cursor + 1 && rows.length <= MOST_ROWS && last >= cursor
    // What was committed since the rows were read comes next time.
    cursor = isWhole ? newest : last
    for (const change of changesIn(rows)) tell(change)
    if (!isWhole) tell('everything')
  }

  return {
    readOwn() {
      try {
        readOn()
      } catch {
        // It is committed all the same.
        tell('everything')
      }
    },

    isCurrent() {
      const turn = thisTurn()
      if (asked === turn) return true
      try {
        const now = dataVersion.get()?.data_version
        if (now !== version) {
          // The record would have rows of our own transaction too, which may be undone.
          if (database.isTransaction) return false
          readOn()
        }
        version = now
        asked = turn
        return true
      } catch {
        // Whatever is wrong with the file, asking it for a session will say so.
        return false
      }
    },
  }
}

function isBusy(error: unknown): boolean {
  return codeOf(error) === SQLITE_BUSY
}

function isFull(error: unknown): boolean {
  return codeOf(error) === SQLITE_FULL
}

function codeOf(error: unknown): number {
  return ((error as { errcode?: number }).errcode ?? 0) % 256
}

/**
 * Statements on one connection. There are few, and to prepare one takes longer than to run it, so each is
 * prepared once. Where its tables have changed since, SQLite prepares it anew by itself, though Node may
 * give the first rows after that no more columns than there were before.
 */
function statementsOf(database: DatabaseSync): Sql {
  interface Prepared {
    readonly statement: StatementSync
    readonly mayWrite: boolean
  }
  const prepared = new Map<TemplateStringsArray, Prepared>()

  function prepare(text: TemplateStringsArray): Prepared {
    // There are no locks on rows: who has begun a transaction is the only one that writes.
    const spelled = text
      .join('?')
      .replace(/ for update( skip locked)?/, '')
      .replace('= any(?)', 'in (select value from json_each(?))')
    const statement = database.prepare(spelled)
    // Otherwise one number that is too large would be an error for all rows.
    statement.setReadBigInts(true)
    return { statement, mayWrite: !spelled.startsWith('select') }
  }

  return async function run<Row>(text: TemplateStringsArray, ...values: Value[]): Promise<Row[]> {
    const known = prepared.get(text) ?? prepare(text)
    prepared.set(text, known)
    // Other connections of this process are not to wait for the next turn to see it.
    if (known.mayWrite) newTurn()
    const given = values.map((value) => (Array.isArray(value) ? JSON.stringify(value) : value))
    return known.statement.all(...(given as SQLInputValue[])).map(withNumbers) as Row[]
  }
}

/** What is too large for a number is `NaN`. */
function withNumbers(row: Record<string, unknown>): Record<string, unknown> {
  for (const name in row) {
    const value = row[name]
    if (typeof value !== 'bigint') continue
    const number = Number(value)
    row[name] = Number.isSafeInteger(number) ? number : Number.NaN
  }
  return row
}

/** Lets one piece of work begin when the one before has ended, and at once where there is none. */
function queue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<void> | undefined
  return async (work) => {
    const before = last
    const { promise: mine, resolve: end } = Promise.withResolvers<void>()
    last = mine
    try {
      if (before !== undefined) await before
      return await work()
    } finally {
      if (last === mine) last = undefined
      end()
    }
  }
}
