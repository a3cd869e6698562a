import type { IncomingMessage, ServerResponse } from 'node:http'
import Fastify from 'fastify'
import { getIronSession, type IronSession } from 'iron-session'
import { type Contender, meRoute, type Person, SECRET, signIn } from './contender.ts'

/** https://github.com/vvo/iron-session#readme */
export const ironSession: Contender = {
  title: 'iron-session',
  packages: ['iron-session'],
  revocation: 'not until it expires',

  async build(people) {
    const app = Fastify()
    const open = (
      request: IncomingMessage,
      response: ServerResponse,
    ): Promise<IronSession<{ person: Person }>> =>
      getIronSession(request, response, { password: SECRET, cookieName: 'session' })
    app.post('/sign-in', async (request, reply) => {
      const session = await open(request.raw, reply.raw)
      session.person = request.body as Person
      await session.save()
      reply.header('set-cookie', reply.raw.getHeader('set-cookie'))
      return {}
    })
    app.get('/me', meRoute, async (request, reply) => {
      const { person } = await open(request.raw, reply.raw)
      return person ?? reply.code(401).send({ error: 'unauthenticated' })
    })
    return { app, visitors: await signIn(app, people) }
  },
}
