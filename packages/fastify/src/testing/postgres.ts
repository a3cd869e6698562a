import { randomBytes } from 'node:crypto'
import { connect as connectTo } from 'node:net'
import { text } from 'node:stream/consumers'
import pg from 'pg'
import { afterAll, afterEach, inject, onTestFinished } from 'vitest'
import { type PostgresServer, startServer } from './postgres-server.ts'

let server: Promise<string> | undefined
let admin: pg.Client | undefined
const databases: string[] = []
const roles: string[] = []
const servers: PostgresServer[] = []

/** An empty database on the PostgreSQL of this run, dropped after the test. */
export async function emptyDatabase(): Promise<string> {
  server ??= text(connectTo(inject('postgres'), '127.0.0.1'))
  const url = await server
  if (admin === undefined) {
    admin = new pg.Client(url)
    await admin.connect()
  }
  const name = `latchkey_test_${randomBytes(8).toString('hex')}`
  await admin.query(`create database ${name} template template0`)
  databases.push(name)
  return withDatabase(url, name)
}

/** A PostgreSQL for one test, to be stopped and killed by it. */
export async function ownServer(
  ...orders: Parameters<typeof startServer>
): Promise<PostgresServer> {
  const own = await startServer(...orders)
  servers.push(own)
  return own
}

/** Asks a database as its administrator would, over a connection for this alone. */
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

/** A connection for the length of a test, which may be cut. */
export async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client(url)
  client.on('error', () => {})
  await client.connect()
  onTestFinished(() => client.end())
  return client
}

/** The same database with settings such as `-c search_path=other`. */
export function withSettings(url: string, settings: string): string {
  const changed = new URL(url)
  changed.searchParams.set('options', settings)
  return changed.href
}

/** The same database as somebody who may connect to it and no more, until the test is over. */
export async function withRole(url: string, password: string): Promise<string> {
  const changed = new URL(url)
  changed.username = `latchkey_test_${randomBytes(8).toString('hex')}`
  changed.password = password
  await ask(url, `create role ${changed.username} login password '${password}'`)
  roles.push(changed.username)
  return changed.href
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}

afterEach(async () => {
  for (const name of databases.splice(0)) await admin?.query(`drop database ${name} with (force)`)
  for (const name of roles.splice(0)) await admin?.query(`drop role ${name}`)
  await Promise.all(servers.splice(0).map((own) => own.close()))
})

afterAll(() => admin?.end())
