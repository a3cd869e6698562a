import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { LatchkeyError } from './errors.ts'
import { patiently } from './patience.ts'
import { type Sql, type SqlDriver, sqlStore, type Value } from './sql-store.ts'
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

  return sqlStore(async ({ forget }) => {
    const database = await openDatabase(file)
    const sql = statementsOf(database)
    const inTurn = queue()

    const transaction: SqlDriver['transaction'] = (durability, work) =>
      inTurn(async () => {
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
          const result = await work(sql)
          await sql`commit`
          return result
        } finally {
          // Unless SQLite has rolled it back by itself, as it does when a disk is full.
          // https://sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction
          if (database.isTransaction) await sql`rollback`
          if (isLasting) await sql`pragma synchronous = normal`
        }
      })

    // Not in the middle of a transaction, whose connection this is too.
    const alone: Sql = (statement, ...values) => inTurn(() => sql(statement, ...values))

    return {
      async isEmpty() {
        const found = await alone`select 1 from sqlite_schema where name = 'latchkey_migrations'`
        return found.length === 0
      },
      sql: alone,
      transaction,
      // One transaction at a time may write, and each takes that right as it begins.
      exclusive: (work) => transaction('power-loss', work),
      isBusy,
      isCurrent: watchFile(database, forget),
      maxAge: Number.POSITIVE_INFINITY,
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
    const spelled = text.join('?').replace(/ for update( skip locked)?/, '')
    return { statement: database.prepare(spelled), mayWrite: !spelled.startsWith('select') }
  }

  return async function run<Row>(text: TemplateStringsArray, ...values: Value[]): Promise<Row[]> {
    const known = prepared.get(text) ?? prepare(text)
    prepared.set(text, known)
    // Other connections of this process are not to wait for the next turn to see it.
    if (known.mayWrite) turn++
    return known.statement.all(...values) as Row[]
  }
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
