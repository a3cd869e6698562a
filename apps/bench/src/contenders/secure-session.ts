import { randomBytes } from 'node:crypto'
import secureSession from '@fastify/secure-session'
import Fastify from 'fastify'
import { type Contender, meRoute, type Person, signIn } from './contender.ts'

declare module '@fastify/secure-session' {
  interface SessionData {
    person: Person
  }
}

/** https://github.com/fastify/fastify-secure-session#readme */
export const fastifySecureSession: Contender = {
  title: '@fastify/secure-session',
  packages: ['@fastify/secure-session'],
  revocation: 'not until it expires',

  async build(people) {
    const app = Fastify()
    await app.register(secureSession, {
      cookieName: 'my-session-cookie',
      key: randomBytes(32),
      cookie: { path: '/' },
    })
    app.post('/sign-in', async (request) => {
      request.session.set('person', request.body as Person)
      return {}
    })
    app.get('/me', meRoute, async (request, reply) => {
      return request.session.get('person') ?? reply.code(401).send({ error: 'unauthenticated' })
    })
    return { app, visitors: await signIn(app, people) }
  },
}
