import type { ClientConfig, DatabaseError, Pool, PoolClient, PoolConfig } from 'pg'
import { LatchkeyError } from '../http/errors.ts'
import { changesIn, LONGEST_KEPT, MOST_SWEPT, perhaps, type RecordRow } from '../record/record.ts'
import { type Listener, listenForChanges } from './postgres-listener.ts'
import type { Sql, Value } from './sql.ts'
import { sqlStore } from './sql-store.ts'
import type { Durability, Store } from './store.ts'

export interface PostgresOptions {
  /** The most connections that serve requests, of this process. One more listens. Default 10. */
  readonly maxConnections?: number | undefined
  /**
   * How long PostgreSQL may take to connect, to have a connection free, and to answer, in milliseconds
   * each. After that the request is answered with a 503. Default 5000.
   */
  readonly timeout?: number | undefined
  /**
   * A way to the same database on which `LISTEN` works, where `url` leads to a pooler that hands each
   * transaction another connection, such as PgBouncer. Default `url`.
   */
  readonly listenUrl?: string | undefined
  /**
   * How long a session may still be accepted after another server has ended it, in milliseconds, up to
   * 60000. Servers usually learn of it within milliseconds, by `NOTIFY`; each also reads the record of
   * changes once a second, and caches nothing while its last reading is older than this. 0 reads every
   * session from PostgreSQL for every request. Default 5000.
   */
  readonly maxStaleness?: number | undefined
}

/** What all applications on one database tell each other of their changes by. */
const CHANNEL = 'latchkey'
/** The notification of a change. What changed is in the record, which nobody else can write to. */
const LOOK = 'look'
/** How many reads of sessions are under way at a time; what waits meanwhile is read together. */
const READS_AT_A_TIME = 2
/** Whose turn it is to make the tables: any number that nobody else is likely to lock. */
const MIGRATION_LOCK = '5283640917362405211'
/** When a connection that says nothing is asked whether it is still there, in milliseconds. */
const KEEP_ALIVE_DELAY = 10_000

// https://www.postgresql.org/docs/current/errcodes-appendix.html
/** serialization_failure, deadlock_detected, lock_not_available */
const BUSY = /^(40001|40P01|55P03)$/
/** The last words of a connection: operator_intervention, and timeouts of whole transactions. */
const GOODBYE = /^(57P|25P0[34])/
const IN_FAILED_TRANSACTION = '25P02'

/** Whatever the role's default is: what has been waited for is to be seen, a lock's holder's tables too. */
const BEGIN = 'begin isolation level read committed'
/** https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-SYNCHRONOUS-COMMIT */
const BEGIN_LASTING = `${BEGIN}; select set_config('synchronous_commit', 'on', true)
  where current_setting('synchronous_commit') not in ('on', 'remote_apply')`

/**
 * A store in a PostgreSQL database, through `pg`, for any number of servers on any number of machines.
 *
 * @param url Such as `postgres://user:password@host:5432/database`; TLS by `sslmode`, as `pg` has it.
 * @throws LatchkeyError `LATCHKEY_OPTION_MISSING` without a url, `LATCHKEY_OPTION_INVALID` for what is
 *   not one, `LATCHKEY_OPTION_UNKNOWN`; `open()` rejects with `LATCHKEY_STORE_UNUSABLE` if the database cannot be used.
 */
export function postgres(url: string | undefined, options: PostgresOptions = {}): Store {
  const given = checkNames(options)
  const { maxConnections = 10, timeout = 5_000, maxStaleness = 5_000 } = given
  if (url === undefined || url === '') {
    throw new LatchkeyError(
      'LATCHKEY_OPTION_MISSING',
      "postgres(): the url is missing. Give one, such as 'postgres://user:password@localhost:5432/database'.",
    )
  }
  const { listenUrl = url } = given
  checkUrl('the url', url)
  checkUrl('`listenUrl`', listenUrl)
  checkWhole('maxConnections', maxConnections, 1, 10_000)
  checkWhole('timeout', timeout, 1, 600_000)
  checkWhole('maxStaleness', maxStaleness, 0, 60_000)

  return sqlStore(async ({ changed, warn }) => {
    const pg = await importDriver()
    const settings: ClientConfig = {
      connectionString: url,
      connectionTimeoutMillis: timeout,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY,
      types: { getTypeParser: parserOf(pg) },
    }
    const hasty: ClientConfig = { ...settings, query_timeout: timeout }
    const pool = openPool(pg, {
      ...hasty,
      max: maxConnections,
      verify: preparing(timeout * 0.9, timeout * 0.9),
    })
    const alone: Sql = (statement, ...values) =>
      // Where nothing comes after a statement, there is nothing to lock a row for.
      pool.use(({ query }) => query(spelled(statement).replace(/ for update$/, ''), values))
    const { isEmpty, schema } = await reach(pool, alone)
    const listen = (): Listener =>
      listenForChanges({
        channel: CHANNEL,
        schema,
        connect: () => new pg.Client({ ...hasty, connectionString: listenUrl }),
        say: (payload) => alone`select pg_notify(${CHANNEL}, ${payload})`,
        interval: timeout / 2,
        maxStaleness,
        advice:
          listenUrl === url
            ? 'If a pooler such as PgBouncer stands between them, give postgres() a listenUrl that leads around it.'
            : 'Check that listenUrl leads to the same database as the url, and around every pooler.',
        changed,
        warn,
      })
    let listener: Listener | undefined

    async function transaction<T>(
      durability: Durability,
      work: (sql: Sql, recorded: () => void) => Promise<T>,
    ): Promise<T> {
      let isRecorded = false
      let rows: readonly RecordRow[] = []
      const begin = durability === 'power-loss' ? BEGIN_LASTING : BEGIN
      const inTurn = inTransaction(begin, async (sql) => {
        const result = await work(sql, () => {
          isRecorded = true
        })
        if (isRecorded) rows = await announce(sql)
        return result
      })
      try {
        const result = await pool.use(inTurn)
        // The listener may have been quicker than the answer to the commit.
        for (const change of changesIn(listener?.takeOwn(rows) ?? rows)) changed(change)
        return result
      } catch (error) {
        // It may be committed all the same, if the answer was lost.
        for (const change of changesIn(rows)) changed(perhaps(change))
        throw error
      }
    }

    return {
      dialect: 'postgresql',
      isEmpty: async () => isEmpty,
      sql: alone,
      transaction,
      readsAtATime: READS_AT_A_TIME,

      async exclusive(work) {
        // As long as it takes: another process may be making the tables, or there is much in them.
        const patient = openPool(pg, { ...settings, max: 1, verify: preparing(0, timeout * 10) })
        const inTurn = inTransaction(BEGIN, async (sql) => {
          await sql`select pg_advisory_xact_lock(${MIGRATION_LOCK})`
          await work(sql)
        })
        try {
          await patient.use(inTurn)
        } finally {
          await patient.end()
        }
      },

      isBusy: (error) => BUSY.test(String((error as { code?: unknown }).code)),
      follow() {
        if (maxStaleness > 0) listener = listen()
      },
      isCurrent: () => listener?.isCurrent() ?? false,
      isFollowing: () => listener?.isFollowing() ?? false,
      // The record is read once a second anyway.
      attend: () => () => {},

      async sweepRecord() {
        const oldest = listener?.oldestNeeded() ?? null
        // A transaction id from the future belongs to another cluster, whose dump was restored here.
        await alone`delete from latchkey_record where id in (select id from latchkey_record
          where xid < ${oldest}::xid8 or xid >= pg_snapshot_xmax(pg_current_snapshot())
            or at < ${Date.now() - LONGEST_KEPT}
          limit ${MOST_SWEPT} for update skip locked)`
      },

      async close() {
        listener?.close()
        await pool.end()
      },
    }
  })
}

/**
 * Tells other servers to read the record, once this transaction is committed and only then.
 * @returns what the transaction has recorded
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

type Driver = typeof import('pg')['default']

async function importDriver(): Promise<Driver> {
  try {
    return (await import('pg')).default
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new LatchkeyError(
      'LATCHKEY_STORE_UNUSABLE',
      'postgres(): the driver of PostgreSQL is not installed. Install it: npm i pg',
    )
  }
}

/** Every int8 of ours is a time in milliseconds. What a number cannot hold is `NaN`. */
function parserOf({ types }: Driver): Driver['types']['getTypeParser'] {
  const parser = (oid: number, format: 'text'): unknown =>
    oid === types.builtins.INT8 ? timeIn : types.getTypeParser(oid, format)
  return parser as Driver['types']['getTypeParser']
}

function timeIn(text: string): number {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : Number.NaN
}

interface Connections {
  /** Lends a connection for as long as `work` takes. */
  use<T>(work: (connection: Connection) => Promise<T>): Promise<T>
  end(): Promise<void>
}

interface Connection {
  /** Runs a statement, and gives its rows. */
  query<Row>(text: string, values?: readonly Value[]): Promise<Row[]>
}

/**
 * A pool that gives a connection back to PostgreSQL, and not to the next request, once it did anything but
 * answer: `pg` would go on with one that still waits for what it was asked before.
 */
function openPool(pg: Driver, config: PoolConfig): Connections {
  const pool = new pg.Pool({ ...config, allowExitOnIdle: true })
  let ended: Promise<void> | undefined
  // A connection that breaks says so to whoever is using it. Nobody is to be ended by its event.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))

  return {
    end: () => (ended ??= pool.end()),

    async use(work) {
      const client = await take(pool)
      let failure: unknown
      let isBroken = false
      async function query<Row>(text: string, values: readonly Value[] = []): Promise<Row[]> {
        // PostgreSQL rolls back a failed transaction that is to be committed, and says so as if all were well.
        if (isBroken || (failure !== undefined && text === 'commit')) throw failure
        try {
          return (await client.query(text, [...values])).rows
        } catch (error) {
          const { code } = error as DatabaseError
          // What it says of every statement after the one that failed.
          if (code !== IN_FAILED_TRANSACTION) failure = error
          failure ??= error
          // One that cannot even be rolled back is left in the middle of something.
          isBroken =
            !(error instanceof pg.DatabaseError) || GOODBYE.test(code ?? '') || text === 'rollback'
          throw failure
        }
      }
      try {
        return await work({ query })
      } finally {
        client.release(isBroken)
      }
    },
  }
}

function inTransaction<T>(
  begin: string,
  work: (sql: Sql) => Promise<T>,
): (connection: Connection) => Promise<T> {
  return async ({ query }) => {
    try {
      await query(begin)
      const result = await work((statement, ...values) => query(spelled(statement), values))
      await query('commit')
      return result
    } catch (error) {
      await query('rollback').catch(() => {})
      throw error
    }
  }
}

function spelled(statement: TemplateStringsArray): string {
  return statement.reduce((text, part, index) => `${text}$${index}${part}`)
}

/**
 * A connection of the pool. `pg` answers a second time, with the connection, where it became ready after
 * the wait for it was given up; nobody would give that one back.
 */
function take(pool: Pool): Promise<PoolClient> {
  return new Promise((resolve, reject) => {
    let isAnswered = false
    pool.connect((error, client, release) => {
      if (isAnswered) return release()
      isAnswered = true
      if (client !== undefined) return resolve(client)
      // Of a host with several addresses Node has one error, which says nothing itself.
      reject(error instanceof AggregateError ? error.errors[0] : error)
    })
  })
}

/**
 * What is done with a new connection. It is refused if it leads to a standby: one may not have heard yet
 * that a session has ended. And PostgreSQL is told how long to work for it, and to wait for it in the
 * middle of a transaction, in milliseconds, unless a pooler stands between: then the process at its end is
 * another one than was said, and others' too.
 */
function preparing(work: number, wait: number): NonNullable<PoolConfig['verify']> {
  async function prepare(client: PoolClient): Promise<void> {
    const { processID } = client as { processID?: number }
    const { rows } = await client.query(
      `select pg_is_in_recovery() as "isStandby", case when pg_backend_pid() = $1 then
        set_config('statement_timeout', $2, false) ||
        set_config('idle_in_transaction_session_timeout', $3, false) end`,
      [processID, `${Math.ceil(work)}ms`, `${Math.ceil(wait)}ms`],
    )
    if (rows[0].isStandby) throw new Error('the URL leads to a standby, not to the primary')
  }
  return (client, done) => {
    prepare(client).then(() => done(), done)
  }
}

/**
 * Sees that the database can be used at all, and has a schema in which tables can be made.
 * @returns the schema, and whether no tables have been made there. Another schema of the `search_path` may
 *   have some, and a statement would find those.
 */
async function reach(pool: Connections, sql: Sql): Promise<{ schema: string; isEmpty: boolean }> {
  try {
    const [row] = await sql<{ schema: string | null; isEmpty: boolean }>`select
      current_schema() as schema,
      to_regclass(quote_ident(current_schema()) || '.latchkey_migrations') is null as "isEmpty"`
    if (row?.schema == null) throw new Error('no schema of its search_path exists')
    return { schema: row.schema, isEmpty: row.isEmpty }
  } catch (error) {
    await pool.end()
    const reason = error instanceof Error ? error.message : String(error)
    throw new LatchkeyError(
      'LATCHKEY_STORE_UNUSABLE',
      `postgres(): the database cannot be used: ${reason}. Check that the server runs, and host, port, user, password, database and sslmode of the URL.`,
    )
  }
}

const NAMES = ['maxConnections', 'timeout', 'listenUrl', 'maxStaleness']

function checkNames(options: PostgresOptions): PostgresOptions {
  if (typeof options === 'object' && options !== null) {
    const unknown = Object.keys(options).find((name) => !NAMES.includes(name))
    if (unknown === undefined) return options
    throw new LatchkeyError(
      'LATCHKEY_OPTION_UNKNOWN',
      `postgres(): there is no option \`${unknown}\`. The options are ${NAMES.join(', ')}.`,
    )
  }
  throw new LatchkeyError(
    'LATCHKEY_OPTION_INVALID',
    'postgres(): the options must be an object, such as { maxConnections: 20 }.',
  )
}

function checkUrl(name: string, url: string): void {
  // Whatever is wrong with it, it may hold a password.
  if (typeof url === 'string' && /^postgres(ql)?:\/\//.test(url) && URL.canParse(url)) return
  throw new LatchkeyError(
    'LATCHKEY_OPTION_INVALID',
    `postgres(): ${name} must be a URL that begins with postgres:// or postgresql://.`,
  )
}

function checkWhole(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw new LatchkeyError(
    'LATCHKEY_OPTION_INVALID',
    `postgres(): \`${name}\` must be a whole number from ${least} to ${most}.`,
  )
}
