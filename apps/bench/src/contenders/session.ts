import cookie from '@fastify/cookie'
import session from '@fastify/session'
import Fastify from 'fastify'
import { type Contender, meRoute, type Person, SECRET, signIn } from './contender.ts'

declare module 'fastify' {
  interface Session {
    person?: Person
  }
}

/** https://github.com/fastify/session#readme */
export const fastifySession: Contender = {
  title: '@fastify/session, in memory',
  packages: ['@fastify/cookie', '@fastify/session'],
  revocation: 'immediately, in one process',

  async build(people) {
    const app = Fastify()
    await app.register(cookie)
    await app.register(session, {
      secret: SECRET,
      // By default, it sets a new cookie in every response and creates a session for every visitor.
      rolling: false,
      saveUninitialized: false,
      cookie: { secure: false },
    })
    app.post('/sign-in', async (request) => {
      request.session.person = request.body as Person
      return {}
    })
    app.get('/me', meRoute, async (request, reply) => {
      return request.session.person ?? reply.code(401).send({ error: 'unauthenticated' })
    })
    return { app, visitors: await signIn(app, people) }
  },
}
