import { randomBytes } from 'node:crypto'
import Fastify from 'fastify'
import { type Contender, meRoute } from './contender.ts'

/** The same route without a check. It returns each person in turn, regardless of the request. */
export const bare: Contender = {
  title: 'Fastify alone, no check',
  packages: [],
  revocation: '–',

  async build(people) {
    const app = Fastify()
    let asked = 0
    app.get('/me', meRoute, async () => people[asked++ % people.length])
    const visitors = people.map((person) => {
      const [id, secret] = [randomBytes(16), randomBytes(32)].map((bytes) =>
        bytes.toString('base64url'),
      )
      return { person, header: `cookie: __Host-session=${id}.${secret}` }
    })
    return { app, visitors }
  },
}
