import jwt from '@fastify/jwt'
import Fastify, { type FastifyRequest } from 'fastify'
import { type Contender, meRoute, SECRET } from './contender.ts'

/** https://github.com/fastify/fastify-jwt#readme */
export const fastifyJwt: Contender = {
  title: '@fastify/jwt, HS256',
  packages: ['@fastify/jwt'],
  revocation: 'not until it expires',

  async build(people) {
    const app = Fastify()
    await app.register(jwt, { secret: SECRET })
    const authenticate = async (request: FastifyRequest): Promise<void> => {
      await request.jwtVerify()
    }
    app.get('/me', { ...meRoute, onRequest: authenticate }, async (request) => request.user)
    await app.ready()
    const visitors = people.map((person) => {
      const token = app.jwt.sign({ ...person }, { expiresIn: '1h' })
      return { person, header: `authorization: Bearer ${token}` }
    })
    return { app, visitors }
  },
}
