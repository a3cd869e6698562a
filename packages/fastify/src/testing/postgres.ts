import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject, onTestFinished } from 'vitest'
import type { Orders } from './postgres-keeper.ts'
import { askRun, type PostgresServer, startServer } from './postgres-server.ts'

let server: Promise<string> | undefined
let admin: pg.Client | undefined
/** Database URLs: the ones that this test uses, and empty ones that are left over from earlier tests in this file. */
const used: string[] = []
const empty: string[] = []
const roles: string[] = []
const servers: PostgresServer[] = []

/** Returns the URL of an empty database on this run's PostgreSQL server. */
export async function emptyDatabase(): Promise<string> {
  const url = empty.pop() ?? (await createDatabase())
  used.push(url)
  return url
}

async function createDatabase(): Promise<string> {
  server ??= askRun(inject('postgres'), 'url')
  const url = new URL(await server)
  if (admin === undefined) {
    admin = new pg.Client(url.href)
    await admin.connect()
  }
  const name = `latchkey_test_${randomBytes(8).toString('hex')}`
  await admin.query(`create database ${name} template template0`)
  url.pathname = `/${name}`
  return url.href
}

/** Starts a PostgreSQL server for a single test, which is free to stop or kill it. */
export async function ownServer(orders: Partial<Orders> = {}): Promise<PostgresServer> {
  const own = await startServer({
    copyOf: (await askRun(inject('postgres'), 'folder')) || null,
    ...orders,
  })
  servers.push(own)
  return own
}

/** Runs a query as the database's administrator, over a separate connection. */
export async function ask(
  url: string,
  query: string,
  parameters: unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query(query, parameters)).rows
  } finally {
    await client.end()
  }
}

/** Opens a connection that lasts until the end of the test. The test may break it. */
export async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client(url)
  client.on('error', () => {})
  await client.connect()
  onTestFinished(() => client.end())
  return client
}

/** Returns a URL of the same database with settings such as `-c search_path=other`. */
export function withSettings(url: string, settings: string): string {
  const changed = new URL(url)
  changed.searchParams.set('options', settings)
  return changed.href
}

/** Returns a URL of the same database for a new role that can only connect. The role is dropped after the test. */
export async function withRole(url: string, password: string): Promise<string> {
  const changed = new URL(url)
  changed.username = `latchkey_test_${randomBytes(8).toString('hex')}`
  changed.password = password
  await ask(url, `create role ${changed.username} login password '${password}'`)
  roles.push(changed.username)
  return changed.href
}

/** Empties a database, which is four times as fast as dropping it and creating another. */
async function clear(url: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    await client.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`)
    const { rows } = await client.query(`select quote_ident(nspname) as name from pg_namespace
      where nspname !~ '^pg_' and nspname <> 'information_schema'`)
    for (const { name } of rows) await client.query(`drop schema ${name} cascade`)
    // As in a new database, everyone may use the schema, but only the database's owner may create tables in it.
    await client.query('create schema public authorization pg_database_owner')
    await client.query('grant usage on schema public to public')
    await client.query(`alter database ${client.database} reset all`)
  } finally {
    await client.end()
  }
}

/** Empties a test's databases and stops its servers. */
export async function cleanDatabases(): Promise<void> {
  for (const url of used.splice(0)) {
    // A role cannot be dropped while it has privileges in a database.
    if (roles.length > 0) await drop(url)
    else {
      await clear(url)
      empty.push(url)
    }
  }
  for (const name of roles.splice(0)) await admin?.query(`drop role ${name}`)
  await Promise.all(servers.splice(0).map((own) => own.close()))
}

async function drop(url: string): Promise<void> {
  await admin?.query(`drop database ${new URL(url).pathname.slice(1)} with (force)`)
}

/** Drops the remaining databases once a test file has finished. */
export async function dropDatabases(): Promise<void> {
  for (const url of empty.splice(0)) await drop(url)
  await admin?.end()
  admin = undefined
}
