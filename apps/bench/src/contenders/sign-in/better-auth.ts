import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type BetterAuthOptions, betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { fromNodeHeaders } from 'better-auth/node'
import { genericOAuth } from 'better-auth/plugins'
import Fastify from 'fastify'
import { meRoute, SECRET } from '../contender.ts'
import {
  type BitbucketEmails,
  type BitbucketUser,
  CLIENT,
  ORIGIN,
  primaryEmail,
  type SignInContender,
} from './sign-in.ts'

/** https://better-auth.com/docs/plugins/generic-oauth, /docs/integrations/fastify */
export const betterAuthSignIn: SignInContender = {
  title: 'Better Auth, SQLite',
  packages: ['better-auth'],
  keeps: 'user, account, tokens and session in an SQLite file',
  start: {
    path: '/api/auth/sign-in/social',
    body: { provider: 'bitbucket', callbackURL: '/', disableRedirect: true },
  },

  async build(provider, { folder }) {
    const options = {
      baseURL: ORIGIN,
      secret: SECRET,
      database: new DatabaseSync(join(folder, 'better-auth.sqlite')),
      telemetry: { enabled: false },
      // All browsers of the benchmark share one address.
      rateLimit: { enabled: false },
      plugins: [
        genericOAuth({
          config: [
            {
              providerId: 'bitbucket',
              clientId: CLIENT.id,
              clientSecret: CLIENT.secret,
              authorizationUrl: `${provider}/site/oauth2/authorize`,
              tokenUrl: `${provider}/site/oauth2/access_token`,
              authentication: 'basic',
              scopes: ['account', 'email'],
              async getUserInfo({ accessToken }) {
                const headers = { authorization: `Bearer ${accessToken}` }
                const [user, emails] = await Promise.all(
                  ['/2.0/user', '/2.0/user/emails'].map(async (path) =>
                    (await fetch(`${provider}${path}`, { headers })).json(),
                  ) as [Promise<BitbucketUser>, Promise<BitbucketEmails>],
                )
                const email = primaryEmail(emails)
                return { id: user.uuid, name: user.display_name, email, emailVerified: true }
              },
            },
          ],
        }),
      ],
    } satisfies BetterAuthOptions
    await (await getMigrations(options)).runMigrations()
    const auth = betterAuth(options)

    const app = Fastify()
    app.route({
      method: ['GET', 'POST'],
      url: '/api/auth/*',
      async handler(request, reply) {
        const url = new URL(request.url, `http://${request.headers.host}`)
        const { method } = request
        const headers = fromNodeHeaders(request.headers)
        const body = request.body ? { body: JSON.stringify(request.body) } : {}
        const response = await auth.handler(new Request(url, { method, headers, ...body }))
        reply.status(response.status)
        response.headers.forEach((value, name) => {
          reply.header(name, value)
        })
        return reply.send(response.body ? await response.text() : null)
      },
    })
    app.get('/me', meRoute, async (request, reply) => {
      const session = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) })
      return session?.user ?? reply.code(401).send({ error: 'unauthenticated' })
    })
    return app
  },
}
