import { Auth, type AuthConfig, createActionURL, setEnvDefaults } from '@auth/core'
import { encode, getToken } from '@auth/core/jwt'
import Fastify, { type FastifyRequest } from 'fastify'
import { type Contender, meRoute, type Person, SECRET, type Visitor } from './contender.ts'

const COOKIE = 'authjs.session-token'

/** https://authjs.dev/reference/core/jwt#gettoken */
export const authJsToken: Contender = {
  title: 'Auth.js, getToken',
  packages: ['@auth/core'],
  revocation: 'not until it expires',

  async build(people) {
    const app = Fastify()
    app.get('/me', meRoute, async (request, reply) => {
      const headers = request.headers as Record<string, string>
      const token = await getToken({ req: { headers }, secret: SECRET })
      if (token === null) return reply.code(401).send({ error: 'unauthenticated' })
      return { id: token.sub, name: token.name, email: token.email }
    })
    return { app, visitors: await visitorsOf(people) }
  },
}

/** Reads the session as the integration for Express does: https://authjs.dev/reference/express */
export const authJsSession: Contender = {
  title: 'Auth.js, Auth() session',
  packages: ['@auth/core'],
  revocation: 'not until it expires',

  async build(people) {
    const config: AuthConfig = {
      basePath: '/auth',
      trustHost: true,
      secret: SECRET,
      providers: [],
      // No other contender logs rejected requests.
      logger: { error: () => {} },
      callbacks: {
        session({ session, token }) {
          session.user.id = token.sub ?? ''
          return session
        },
      },
    }
    setEnvDefaults(process.env, config)
    const app = Fastify()
    app.get('/me', meRoute, async (request, reply) => {
      const session = await getSession(request, config)
      return session?.user ?? reply.code(401).send({ error: 'unauthenticated' })
    })
    return { app, visitors: await visitorsOf(people) }
  },
}

async function getSession(
  request: FastifyRequest,
  config: AuthConfig,
): Promise<{ user: Person } | null> {
  const headers = new Headers(request.headers as Record<string, string>)
  const url = createActionURL('session', request.protocol, headers, process.env, config)
  const cookie = headers.get('cookie') ?? ''
  const response = await Auth(new Request(url, { headers: { cookie } }), config)
  return response.json()
}

async function visitorsOf(people: readonly Person[]): Promise<Visitor[]> {
  return Promise.all(
    people.map(async (person) => {
      const token = { sub: person.id, name: person.name, email: person.email }
      const value = await encode({ token, secret: SECRET, salt: COOKIE })
      return { person, header: `cookie: ${COOKIE}=${value}` }
    }),
  )
}
