import type { Client, ClientConfig, DatabaseError, Pool, PoolClient, PoolConfig } from 'pg'
import { LatchkeyError } from '../http/errors.ts'
import type { Sql, Value } from './sql.ts'

/** When a connection that says nothing is asked whether it is still there, in milliseconds. */
const KEEP_ALIVE_DELAY = 10_000

// https://www.postgresql.org/docs/current/errcodes-appendix.html
/** The last words of a connection: operator_intervention, and timeouts of whole transactions. */
const GOODBYE = /^(57P|25P0[34])/
const IN_FAILED_TRANSACTION = '25P02'

type Pg = typeof import('pg')['default']

export async function importPg(): Promise<Pg> {
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
function parserOf({ types }: Pg): Pg['types']['getTypeParser'] {
  const parser = (oid: number, format: 'text'): unknown =>
    oid === types.builtins.INT8 ? timeIn : types.getTypeParser(oid, format)
  return parser as Pg['types']['getTypeParser']
}

function timeIn(text: string): number {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : Number.NaN
}

export interface Connections {
  /** Lends a connection for as long as `work` takes. */
  use<T>(work: (connection: Connection) => Promise<T>): Promise<T>
  end(): Promise<void>
}

interface Connection {
  /** Runs a statement, and gives its rows. */
  query<Row>(text: string, values?: readonly Value[]): Promise<Row[]>
}

export interface PoolSettings {
  readonly url: string
  readonly maxConnections: number
  /** Milliseconds. See `PostgresOptions`. */
  readonly timeout: number
}

/** The connections that serve requests. */
export function openRequestPool(pg: Pg, settings: PoolSettings): Connections {
  const { maxConnections, timeout } = settings
  return openPool(pg, {
    ...hastyConfig(pg, settings),
    max: maxConnections,
    verify: preparing(timeout * 0.9, timeout * 0.9),
  })
}

/** A connection whose statements may take as long as they take. */
export function openPatientPool(pg: Pg, settings: PoolSettings): Connections {
  return openPool(pg, {
    ...patientConfig(pg, settings),
    max: 1,
    verify: preparing(0, settings.timeout * 10),
  })
}

/** A connection to listen on, which is not connected yet. */
export function makeListeningClient(
  pg: Pg,
  settings: PoolSettings & { readonly listenUrl: string },
): Client {
  return new pg.Client({ ...hastyConfig(pg, settings), connectionString: settings.listenUrl })
}

function hastyConfig(pg: Pg, settings: PoolSettings): ClientConfig {
  return { ...patientConfig(pg, settings), query_timeout: settings.timeout }
}

function patientConfig(pg: Pg, { url, timeout }: PoolSettings): ClientConfig {
  return {
    connectionString: url,
    connectionTimeoutMillis: timeout,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY,
    types: { getTypeParser: parserOf(pg) },
  }
}

/**
 * A pool that gives a connection back to PostgreSQL, and not to the next request, once it did anything but
 * answer: `pg` would go on with one that still waits for what it was asked before.
 */
function openPool(pg: Pg, config: PoolConfig): Connections {
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

/** Makes `work` a transaction of one connection. */
export function inTransaction<T>(
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

/** Returns a statement with PostgreSQL's names for its parameters. */
export function spelled(statement: TemplateStringsArray): string {
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
