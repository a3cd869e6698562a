import type { Client, ClientConfig, DatabaseError, Pool, PoolClient, PoolConfig } from 'pg'
import { LatchkeyError } from '../http/errors.ts'
import type { Sql, Value } from './sql.ts'

/** How long a connection can be silent before TCP checks it, in milliseconds. */
const KEEP_ALIVE_DELAY = 10_000

// https://www.postgresql.org/docs/current/errcodes-appendix.html
/** The codes that end a connection: operator_intervention, and timeouts of whole transactions. */
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
      'postgres(): the PostgreSQL driver is not installed. Install it: npm i pg',
    )
  }
}

/**
 * Returns the parser of column types. All of our int8 columns are times in milliseconds. A value that is not
 * a safe integer becomes `NaN`.
 */
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
  /** Lends a connection while `work` runs. */
  use<T>(work: (connection: Connection) => Promise<T>): Promise<T>
  end(): Promise<void>
}

interface Connection {
  /** Runs a statement, and returns its rows. */
  query<Row>(text: string, values?: readonly Value[]): Promise<Row[]>
}

export interface PoolSettings {
  readonly url: string
  readonly maxConnections: number
  /** Milliseconds. See `PostgresOptions`. */
  readonly timeout: number
}

/** Opens the pool that serves requests. */
export function openRequestPool(pg: Pg, settings: PoolSettings): Connections {
  const { maxConnections, timeout } = settings
  return openPool(pg, {
    ...hastyConfig(pg, settings),
    max: maxConnections,
    verify: preparing(timeout * 0.9, timeout * 0.9),
  })
}

/** Opens a pool of one connection, whose statements have no time limit. */
export function openPatientPool(pg: Pg, settings: PoolSettings): Connections {
  return openPool(pg, {
    ...patientConfig(pg, settings),
    max: 1,
    verify: preparing(0, settings.timeout * 10),
  })
}

/** Creates a client to listen with. It is not connected yet. */
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
 * A pool that closes a connection after any failure except an error returned by PostgreSQL. Otherwise, `pg`
 * would hand out a connection that is still waiting for the response to an earlier statement.
 */
function openPool(pg: Pg, config: PoolConfig): Connections {
  const pool = new pg.Pool({ ...config, allowExitOnIdle: true })
  let ended: Promise<void> | undefined
  // Code that uses a broken connection gets the error anyway. The event must not end the process.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))

  return {
    end: () => (ended ??= pool.end()),

    async use(work) {
      const client = await take(pool)
      let failure: unknown
      let isBroken = false
      async function query<Row>(text: string, values: readonly Value[] = []): Promise<Row[]> {
        // When a failed transaction is committed, PostgreSQL reports success, although it rolls the transaction back.
        if (isBroken || (failure !== undefined && text === 'commit')) throw failure
        try {
          return (await client.query(text, [...values])).rows
        } catch (error) {
          const { code } = error as DatabaseError
          // Every statement after the failed one gets this code. Keep the first error.
          if (code !== IN_FAILED_TRANSACTION) failure = error
          failure ??= error
          // A connection that cannot roll back is in an unknown state.
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

/** Returns a function that runs `work` in a transaction on one connection. */
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

/** Returns a statement with PostgreSQL's placeholders for its parameters. */
export function spelled(statement: TemplateStringsArray): string {
  return statement.reduce((text, part, index) => `${text}$${index}${part}`)
}

/**
 * Takes a connection from the pool. If a connection becomes ready after the wait has timed out,
 * `pg` calls back a second time, and that connection must be released here.
 */
function take(pool: Pool): Promise<PoolClient> {
  return new Promise((resolve, reject) => {
    let isAnswered = false
    pool.connect((error, client, release) => {
      if (isAnswered) return release()
      isAnswered = true
      if (client !== undefined) return resolve(client)
      // If a host has several addresses, Node wraps the errors in one that has no message.
      reject(error instanceof AggregateError ? error.errors[0] : error)
    })
  })
}

/**
 * Prepares each new connection. Rejects a connection to a standby, which may not yet know that a session has
 * ended. Sets the time limits for statements and for idle transactions, in milliseconds. Behind a pooler, it
 * sets none, because the process at the other end is shared, and is not the one that was announced.
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
    if (rows[0].isStandby) throw new Error('the URL points to a standby, not to the primary')
  }
  return (client, done) => {
    prepare(client).then(() => done(), done)
  }
}
