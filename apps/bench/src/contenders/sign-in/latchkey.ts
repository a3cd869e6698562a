import latchkey, { bitbucket, type Store } from '@latchkey/fastify'
import { sqlite } from '@latchkey/fastify/sqlite'
import Fastify, { type FastifyInstance } from 'fastify'
import { meRoute, SECRET } from '../contender.ts'
import { openStore } from '../latchkey.ts'
import { CLIENT, ORIGIN, type SignInContender } from './sign-in.ts'

const START = { path: '/auth/bitbucket/start' }

export const latchkeySqliteSignIn: SignInContender = {
  title: 'Latchkey, SQLite',
  packages: ['@latchkey/fastify'],
  keeps: 'user, identity, flow and session in an SQLite file',
  start: START,
  build: (provider, place) => build(provider, openStore('sqlite', place)),
}

export const latchkeyPostgresSignIn: SignInContender = {
  title: 'Latchkey, PostgreSQL',
  packages: ['@latchkey/fastify', 'pg'],
  keeps: 'the same, in PostgreSQL',
  start: START,
  build: (provider, place) => build(provider, openStore('postgres', place)),
}

export const latchkeyMemorySignIn: SignInContender = {
  title: 'Latchkey, SQLite in memory',
  packages: ['@latchkey/fastify'],
  keeps: 'the same, in memory',
  start: START,
  build: (provider) => build(provider, sqlite(':memory:')),
}

async function build(provider: string, store: Store): Promise<FastifyInstance> {
  // Production mode does not allow a provider on this machine.
  process.env.NODE_ENV = 'development'
  const app = Fastify()
  await app.register(latchkey, {
    origin: ORIGIN,
    secret: SECRET,
    providers: [
      bitbucket({ emulatorUrl: provider, clientId: CLIENT.id, clientSecret: CLIENT.secret }),
    ],
    store,
  })
  const guarded = { ...meRoute, onRequest: app.latchkey.guard() }
  app.get('/me', guarded, async (request) => request.auth.user)
  return app
}
