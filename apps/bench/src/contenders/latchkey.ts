import { join } from 'node:path'
import latchkey, { bitbucket, type Store } from '@latchkey/fastify'
import { postgres } from '@latchkey/fastify/postgres'
import { sqlite } from '@latchkey/fastify/sqlite'
import Fastify, { type FastifyInstance } from 'fastify'
import { type Contender, meRoute, type Place, SECRET, type Visitor } from './contender.ts'

export const latchkeyOnSqlite: Contender = {
  title: 'Latchkey, SQLite',
  packages: ['@latchkey/fastify'],
  revocation: 'immediately, everywhere',
  build: (people, place) => build(people, openStore('sqlite', place)),
}

export const latchkeyOnPostgres: Contender = {
  title: 'Latchkey, PostgreSQL',
  packages: ['@latchkey/fastify', 'pg'],
  revocation: 'immediately; on other servers within milliseconds',
  build: (people, place) => build(people, openStore('postgres', place)),
}

export type StoreKind = 'sqlite' | 'postgres'

export function openStore(kind: StoreKind, { folder, postgresUrl }: Place): Store {
  return kind === 'sqlite' ? sqlite(join(folder, 'latchkey.db')) : postgres(postgresUrl)
}

async function build(
  people: Parameters<Contender['build']>[0],
  store: Store,
): ReturnType<Contender['build']> {
  const app = await latchkeyApp(store)
  await app.ready()
  const visitors: Visitor[] = []
  for (const { name, email } of people) {
    const { id } = await app.latchkey.users.create({ name, email })
    const { cookie } = await app.latchkey.sessions.create(id)
    visitors.push({ person: { id, name, email }, header: `cookie: ${cookie}` })
  }
  return { app, visitors }
}

/** Returns an application with one guarded route, set up as in production. */
export async function latchkeyApp(store: Store): Promise<FastifyInstance> {
  const app = Fastify()
  await app.register(latchkey, {
    origin: 'https://app.example.com',
    secret: SECRET,
    providers: [bitbucket({ clientId: 'an-id', clientSecret: 'a-client-secret' })],
    store,
  })
  const guarded = { ...meRoute, onRequest: app.latchkey.guard() }
  app.get('/me', guarded, async (request) => request.auth.user)
  return app
}
