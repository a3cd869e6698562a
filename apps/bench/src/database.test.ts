import pg from 'pg'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { countStatements, type Databases, startPostgres } from './database.ts'

let databases: Databases
beforeAll(async () => {
  databases = await startPostgres()
})
afterAll(() => databases.close())

it('counts every statement sent to one database, and none sent to another', async () => {
  const [url, otherUrl] = [await databases.create(), await databases.create()]
  const statements = await countStatements(url)
  onTestFinished(() => statements.end())
  const [client, other] = [await connect(url), await connect(otherUrl)]
  const before = await statements.read()
  await client.query('begin')
  await client.query("select pg_notify('channel', 'text')")
  await client.query('commit')
  await other.query('select 1')
  expect((await statements.read()) - before).toBe(3)
})

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client(url)
  await client.connect()
  onTestFinished(() => client.end())
  return client
}
