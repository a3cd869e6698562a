import cookie from '@fastify/cookie'
import { Authenticator } from '@fastify/passport'
import session from '@fastify/session'
import Fastify from 'fastify'
import { Strategy } from 'passport-bitbucket-oauth20'
import { meRoute, type Person, SECRET } from '../contender.ts'
import { CLIENT, ORIGIN, type SignInContender } from './sign-in.ts'

/** https://github.com/fastify/fastify-passport#readme, npmjs.com/package/passport-bitbucket-oauth20 */
export const passport: SignInContender = {
  title: '@fastify/passport, passport-bitbucket-oauth20',
  packages: [
    '@fastify/cookie',
    '@fastify/session',
    '@fastify/passport',
    'passport-bitbucket-oauth20',
  ],
  keeps: 'a session in memory; no state, no PKCE',
  start: { path: '/auth/bitbucket' },

  async build(provider) {
    const app = Fastify()
    const authenticator = new Authenticator()
    const strategy = new Strategy(
      {
        clientID: CLIENT.id,
        clientSecret: CLIENT.secret,
        callbackURL: `${ORIGIN}/auth/bitbucket/callback`,
        authorizationURL: `${provider}/site/oauth2/authorize`,
        tokenURL: `${provider}/site/oauth2/access_token`,
        userProfileURL: `${provider}/2.0/user`,
        userEmailsURL: `${provider}/2.0/user/emails`,
      },
      (_accessToken, _refreshToken, { id, displayName, emails }, done) => {
        const primary = emails.find((email) => email.primary && email.verified)
        done(null, { id, name: displayName, email: primary?.value ?? '' })
      },
    )

    await app.register(cookie)
    await app.register(session, { secret: SECRET, cookie: { secure: false } })
    await app.register(authenticator.initialize())
    await app.register(authenticator.secureSession())
    authenticator.use('bitbucket', strategy)
    authenticator.registerUserSerializer(async (person: Person) => person)
    authenticator.registerUserDeserializer(async (person: Person) => person)

    const scope = ['account', 'email']
    app.get(
      '/auth/bitbucket',
      { preValidation: authenticator.authenticate('bitbucket', { scope }) },
      () => {},
    )
    app.get(
      '/auth/bitbucket/callback',
      { preValidation: authenticator.authenticate('bitbucket', { successRedirect: '/' }) },
      () => {},
    )
    app.get('/me', meRoute, async (request, reply) => {
      return request.user ?? reply.code(401).send({ error: 'unauthenticated' })
    })
    return app
  },
}
