import { LatchkeyError } from '../http/errors.ts'
import { changesIn, LONGEST_KEPT, MOST_SWEPT, perhaps, type RecordRow } from '../record/record.ts'
import { type Listener, listenForChanges } from './postgres-listener.ts'
import {
  type Connections,
  importPg,
  inTransaction,
  makeListeningClient,
  openPatientPool,
  openRequestPool,
  type PoolSettings,
  spelled,
} from './postgres-pool.ts'
import type { Sql, SqlDriver, Watcher } from './sql.ts'
import type { Durability } from './store.ts'

/** The channel on which all servers of one database notify each other of changes. */
const CHANNEL = 'latchkey'
/**
 * The payload that announces a change. The change itself is in the record, which only Latchkey can write to.
 */
const LOOK = 'look'
/**
 * The maximum number of concurrent reads of sessions. Sessions that are requested in the meantime are read together.
 */
const READS_AT_A_TIME = 2
/**
 * The lock that a server takes while it migrates the tables. It can be any number that nothing else is likely to use.
 */
const MIGRATION_LOCK = '5283640917362405211'

// https://www.postgresql.org/docs/current/errcodes-appendix.html
/** serialization_failure, deadlock_detected, lock_not_available */
const BUSY = /^(40001|40P01|55P03)$/

/**
 * Overrides the role's default isolation level. After waiting for a lock, a transaction must see what the
 * lock's previous holder has committed.
 */
const BEGIN = 'begin isolation level read committed'
/** https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-SYNCHRONOUS-COMMIT */
const BEGIN_LASTING = `${BEGIN}; select set_config('synchronous_commit', 'on', true)
  where current_setting('synchronous_commit') not in ('on', 'remote_apply')`

export interface PostgresSettings extends PoolSettings {
  readonly listenUrl: string
  /** See `PostgresOptions`. */
  readonly maxStaleness: number
}

export async function connectPostgres(
  settings: PostgresSettings,
  { changed, warn }: Watcher,
): Promise<SqlDriver> {
  const pg = await importPg()
  const pool = openRequestPool(pg, settings)
  const alone: Sql = (statement, ...values) =>
    // Outside of a transaction, locking a row has no purpose.
    pool.use(({ query }) => query(spelled(statement).replace(/ for update$/, ''), values))
  const { isEmpty, schema } = await reach(pool, alone)
  let listener: Listener | undefined

  return {
    dialect: 'postgresql',
    isEmpty: async () => isEmpty,
    sql: alone,
    transaction: (durability, work) =>
      runAnnounced(pool, durability, work, {
        committed(rows) {
          // The listener may have read the rows before the response to the commit arrives.
          for (const change of changesIn(listener?.takeOwn(rows) ?? rows)) changed(change)
        },
        uncertain(rows) {
          for (const change of changesIn(rows)) changed(perhaps(change))
        },
      }),
    readsAtATime: READS_AT_A_TIME,
    exclusive: (work) => runExclusive(openPatientPool(pg, settings), work),
    isBusy: (error) => BUSY.test(String((error as { code?: unknown }).code)),
    follow() {
      if (settings.maxStaleness === 0) return
      listener = listenForChanges({
        channel: CHANNEL,
        schema,
        connect: () => makeListeningClient(pg, settings),
        say: (payload) => alone`select pg_notify(${CHANNEL}, ${payload})`,
        interval: settings.timeout / 2,
        maxStaleness: settings.maxStaleness,
        advice: adviceFor(settings),
        changed,
        warn,
      })
    },
    isCurrent: () => listener?.isCurrent() ?? false,
    isFollowing: () => listener?.isFollowing() ?? false,
    // A lost notification does no harm, because the record is read once a second anyway.
    attend: () => () => {},
    sweepRecord: () => sweep(alone, listener?.oldestNeeded() ?? null),
    async close() {
      listener?.close()
      await pool.end()
    },
  }
}

/** Returns advice for an operator when notifications do not arrive. */
function adviceFor({ url, listenUrl }: PostgresSettings): string {
  return listenUrl === url
    ? 'If you connect through a pooler such as PgBouncer, set listenUrl in postgres() to a URL that bypasses it.'
    : 'Check that listenUrl points to the same database as the url, and bypasses every pooler.'
}

/** Called with the rows that a transaction has recorded. */
interface Outcome {
  committed(rows: readonly RecordRow[]): void
  /** Called if the transaction failed. If only the response was lost, it may be committed anyway. */
  uncertain(rows: readonly RecordRow[]): void
}

/** Runs a transaction and, once it is committed, notifies other servers of its changes. */
async function runAnnounced<T>(
  pool: Connections,
  durability: Durability,
  work: (sql: Sql, recorded: () => void) => Promise<T>,
  outcome: Outcome,
): Promise<T> {
  let isRecorded = false
  let rows: readonly RecordRow[] = []
  const begin = durability === 'power-loss' ? BEGIN_LASTING : BEGIN
  const announced = inTransaction(begin, async (sql) => {
    const result = await work(sql, () => {
      isRecorded = true
    })
    if (isRecorded) rows = await announce(sql)
    return result
  })
  try {
    const result = await pool.use(announced)
    outcome.committed(rows)
    return result
  } catch (error) {
    outcome.uncertain(rows)
    throw error
  }
}

/**
 * Runs `work` without a time limit, because another process may be creating the tables, or they may
 * be large.
 */
async function runExclusive(
  patient: Connections,
  work: (sql: Sql) => Promise<void>,
): Promise<void> {
  const alone = inTransaction(BEGIN, async (sql) => {
    await sql`select pg_advisory_xact_lock(${MIGRATION_LOCK})`
    await work(sql)
  })
  try {
    await patient.use(alone)
  } finally {
    await patient.end()
  }
}

/** Deletes old rows of the record: those of transactions before `oldest`, if it is known. */
async function sweep(sql: Sql, oldest: string | null): Promise<void> {
  // A transaction id from the future belongs to another cluster, whose dump was restored here.
  await sql`delete from latchkey_record where id in (select id from latchkey_record
    where xid < ${oldest}::xid8 or xid >= pg_snapshot_xmax(pg_current_snapshot())
      or at < ${Date.now() - LONGEST_KEPT}
    limit ${MOST_SWEPT} for update skip locked)`
}

/**
 * Tells other servers to read the record. PostgreSQL sends the notification only if and when the transaction
 * is committed.
 * @returns the rows that the transaction has recorded
 */
async function announce(sql: Sql): Promise<RecordRow[]> {
  const [row] = await sql<{ rows: RecordRow[] | null }>`
    with recorded as (
      select json_agg(json_build_object('id', id, 'type', type, 'session', session_id,
        'user', user_id, 'reason', reason) order by id) as rows
      from latchkey_record where xid = pg_current_xact_id()
    )
    select rows, case when rows is not null then pg_notify(${CHANNEL}, ${LOOK})::text end as told
    from recorded`
  return row?.rows ?? []
}

/**
 * Checks that the database can be used, and that it has a schema in which tables can be created.
 * @returns the schema, and whether our tables are missing in it. Another schema in the `search_path` may
 *   contain some of them, and a statement would find those.
 */
async function reach(pool: Connections, sql: Sql): Promise<{ schema: string; isEmpty: boolean }> {
  try {
    const [row] = await sql<{ schema: string | null; isEmpty: boolean }>`select
      current_schema() as schema,
      to_regclass(quote_ident(current_schema()) || '.latchkey_migrations') is null as "isEmpty"`
    if (row?.schema == null) throw new Error('no schema in its search_path exists')
    return { schema: row.schema, isEmpty: row.isEmpty }
  } catch (error) {
    await pool.end()
    const reason = error instanceof Error ? error.message : String(error)
    throw new LatchkeyError(
      'LATCHKEY_STORE_UNUSABLE',
      `postgres(): the database cannot be used: ${reason}. Check that the server is running, and check the host, port, user, password, database and sslmode of the URL.`,
    )
  }
}
