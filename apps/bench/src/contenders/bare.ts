import Fastify from 'fastify'
import { type Contender, meRoute } from './contender.ts'

/** The same route for anybody. */
export const bare: Contender = {
  title: 'Fastify alone, no check',
  packages: [],
  revocation: '–',

  async build(people) {
    const app = Fastify()
    const [somebody] = people
    app.get('/me', meRoute, async () => somebody)
    return { app, visitors: people.map((person) => ({ person, header: 'cookie: id=0' })) }
  },
}
