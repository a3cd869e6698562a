import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { startServer } from '../../../packages/fastify/src/testing/postgres-server.ts'

/** A PostgreSQL server with default settings, for one run. */
export interface Databases {
  /** Creates an empty database and returns its URL. */
  create(): Promise<string>
  close(): Promise<void>
}

export async function startPostgres(): Promise<Databases> {
  const { url, close } = await startServer({
    settings: {
      max_connections: '200',
      shared_preload_libraries: 'pg_stat_statements',
      // Counting has a small cost. `countStatements` enables it for one database.
      'pg_stat_statements.track': 'none',
    },
  })
  return { create: () => createDatabase(url), close }
}

/**
 * Creates an empty database and returns its URL.
 * @param url The URL of any database on the server.
 */
export async function createDatabase(url: string): Promise<string> {
  const name = `bench_${randomBytes(8).toString('hex')}`
  const client = new pg.Client(url)
  await client.connect()
  await client.query(`create database ${name} template template0`)
  await client.end()
  const created = new URL(url)
  created.pathname = `/${name}`
  return created.href
}

export interface StatementCount {
  /** Returns how many statements the database has run since counting began. */
  read(): Promise<number>
  end(): Promise<void>
}

/**
 * Counts the statements that clients send to a database: queries, `begin` and `commit`, `notify`, and so on.
 * Statements inside triggers are not counted separately. The count is exact and up to date, unlike the one in
 * `pg_stat_database`, which connections update with a delay. The counter itself connects to another database, so that
 * its own statements are not counted.
 *
 * @param url The URL of the database. Only connections opened after this call are counted.
 * @see https://www.postgresql.org/docs/current/pgstatstatements.html
 */
export async function countStatements(url: string): Promise<StatementCount> {
  const counted = new URL(url).pathname.slice(1)
  const elsewhere = new URL(url)
  elsewhere.pathname = '/postgres'
  const client = new pg.Client(elsewhere.href)
  await client.connect()
  await client.query('create extension if not exists pg_stat_statements')
  await client.query(`alter database ${counted} set pg_stat_statements.track = 'top'`)
  return {
    async read() {
      const { rows } = await client.query<{ calls: number }>(
        `select coalesce(sum(calls), 0)::float8 as calls from pg_stat_statements
          where dbid = (select oid from pg_database where datname = $1)`,
        [counted],
      )
      return rows[0]?.calls ?? 0
    },
    end: () => client.end(),
  }
}
