import cookie from '@fastify/cookie'
import Fastify from 'fastify'
import { type Contender, meRoute } from './contender.ts'

/** Parses a cookie and accepts its value without a check, to measure only the cost of parsing. */
export const cookieOnly: Contender = {
  title: '@fastify/cookie, value unchecked',
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
