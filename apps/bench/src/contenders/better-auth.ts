import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type BetterAuthOptions, betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { fromNodeHeaders } from 'better-auth/node'
import Fastify from 'fastify'
import { type Contender, cookieHeader, meRoute, SECRET, type Visitor } from './contender.ts'

/** https://better-auth.com/docs/integrations/fastify, /docs/adapters/sqlite */
export const betterAuthOnSqlite: Contender = {
  title: 'Better Auth, SQLite',
  packages: ['better-auth'],
  revocation: 'immediately, everywhere',
  build: (people, { folder }) => build(people, folder, {}),
}

/** https://better-auth.com/docs/concepts/session-management#cookie-cache */
export const betterAuthCached: Contender = {
  title: 'Better Auth, cookie cache',
  packages: ['better-auth'],
  revocation: 'after up to 5 minutes',
  build: (people, { folder }) =>
    build(people, folder, {
      // The documentation uses five minutes, but our visitors do not accept the new cookie that they would get after
      // that.
      cookieCache: { enabled: true, maxAge: 60 * 60 },
    }),
}

async function build(
  people: Parameters<Contender['build']>[0],
  folder: string,
  session: NonNullable<BetterAuthOptions['session']>,
): ReturnType<Contender['build']> {
  const options = {
    baseURL: 'http://localhost:3000',
    secret: SECRET,
    database: new DatabaseSync(join(folder, 'better-auth.sqlite')),
    telemetry: { enabled: false },
    session,
    emailAndPassword: {
      enabled: true,
      // Passwords are not measured, and hashing a thousand of them takes minutes.
      password: { hash: async (password) => password, verify: async () => true },
    },
  } satisfies BetterAuthOptions
  await (await getMigrations(options)).runMigrations()
  const auth = betterAuth(options)

  const app = Fastify()
  app.get('/me', meRoute, async (request, reply) => {
    const session = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) })
    return session?.user ?? reply.code(401).send({ error: 'unauthenticated' })
  })

  const visitors: Visitor[] = []
  for (const { name, email } of people) {
    const body = { name, email, password: 'a long enough password' }
    const { headers, response } = await auth.api.signUpEmail({ body, returnHeaders: true })
    const header = cookieHeader(headers.getSetCookie())
    visitors.push({ person: { id: response.user.id, name, email }, header })
  }
  return { app, visitors }
}
