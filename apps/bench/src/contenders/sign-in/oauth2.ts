import cookie from '@fastify/cookie'
import oauth2, { type OAuth2Namespace } from '@fastify/oauth2'
import session from '@fastify/session'
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

declare module 'fastify' {
  interface FastifyInstance {
    bitbucket: OAuth2Namespace
  }
}

/** https://github.com/fastify/fastify-oauth2#readme */
export const fastifyOAuth2: SignInContender = {
  title: '@fastify/oauth2, @fastify/session',
  packages: ['@fastify/cookie', '@fastify/session', '@fastify/oauth2'],
  keeps: 'a session in memory',
  start: { path: '/login/bitbucket' },

  async build(provider) {
    const app = Fastify()
    await app.register(cookie)
    await app.register(session, { secret: SECRET, cookie: { secure: false } })
    await app.register(oauth2, {
      name: 'bitbucket',
      scope: ['account', 'email'],
      credentials: {
        client: CLIENT,
        auth: {
          authorizeHost: provider,
          authorizePath: '/site/oauth2/authorize',
          tokenHost: provider,
          tokenPath: '/site/oauth2/access_token',
        },
      },
      startRedirectPath: '/login/bitbucket',
      callbackUri: `${ORIGIN}/login/bitbucket/callback`,
      pkce: 'S256',
    })

    app.get('/login/bitbucket/callback', async (request, reply) => {
      const { token } = await app.bitbucket.getAccessTokenFromAuthorizationCodeFlow(request, reply)
      const headers = { authorization: `Bearer ${token.access_token}` }
      const [user, emails] = await Promise.all(
        ['/2.0/user', '/2.0/user/emails'].map(async (path) =>
          (await fetch(`${provider}${path}`, { headers })).json(),
        ) as [Promise<BitbucketUser>, Promise<BitbucketEmails>],
      )
      await request.session.regenerate()
      const person = { id: user.uuid, name: user.display_name, email: primaryEmail(emails) }
      request.session.person = person
      return reply.redirect('/')
    })
    app.get('/me', meRoute, async (request, reply) => {
      return request.session.person ?? reply.code(401).send({ error: 'unauthenticated' })
    })
    return app
  },
}
