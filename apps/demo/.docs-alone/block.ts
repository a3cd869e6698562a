import latchkey from '@latchkey/fastify'
import Fastify from 'fastify'

declare module '@latchkey/fastify' {
  interface RenamedDecorators {
    auth: 'person'
    getAuth: 'getPerson'
  }
}

// The other plugin's `auth`. Without the renaming, it would conflict with Latchkey's type.
declare module 'fastify' {
  interface FastifyRequest {
    auth: 'theirs'
  }
}

const app = Fastify({ logger: true })
await app.register(latchkey, { decorators: { auth: 'person', getAuth: 'getPerson' } })

app.get('/api/me', { onRequest: app.latchkey.guard() }, async ({ person }) => person.user)
app.get('/', async (request) => (await request.getPerson())?.user.name ?? request.auth)
