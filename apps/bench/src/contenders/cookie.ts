import cookie from '@fastify/cookie'
import Fastify from 'fastify'
import { type Contender, meRoute } from './contender.ts'

/** What it costs to parse a cookie, and to believe whatever it says. */
export const cookieOnly: Contender = {
  title: '@fastify/cookie, believed unchecked',
  packages: ['@fastify/cookie'],
  revocation: '–',

  async build(people) {
    const app = Fastify()
    await app.register(cookie)
    const byId = new Map(people.map((person) => [person.id, person]))
    app.get('/me', meRoute, async (request, reply) => {
      const person = byId.get(request.cookies.id ?? '')
      return person ?? reply.code(401).send({ error: 'unauthenticated' })
    })
    const visitors = people.map((person) => ({ person, header: `cookie: id=${person.id}` }))
    return { app, visitors }
  },
}
