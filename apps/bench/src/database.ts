import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { startServer } from '../../../packages/fastify/src/testing/postgres-server.ts'

/** A PostgreSQL with its own defaults, for one run. */
export interface Databases {
  /** @returns the URL of an empty database */
  create(): Promise<string>
  close(): Promise<void>
}

export async function startPostgres(): Promise<Databases> {
  const { url, close } = await startServer({ settings: { max_connections: '200' } })
  return { create: () => createDatabase(url), close }
}

/** @param url Of any database of the server. */
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
