import { createHash, randomBytes } from 'node:crypto'
import { Agent, request as httpRequest } from 'node:http'
import { text } from 'node:stream/consumers'
import cookie from '@fastify/cookie'
import Fastify from 'fastify'
import { meRoute, type Person } from '../contender.ts'
import {
  type BitbucketEmails,
  type BitbucketUser,
  CLIENT,
  ORIGIN,
  primaryEmail,
  type SignInContender,
} from './sign-in.ts'

/** The minimum setup with state and PKCE, as a baseline for the others. */
export const byHand: SignInContender = {
  title: 'by hand, the minimum',
  packages: ['@fastify/cookie'],
  keeps: 'only a Map',
  start: { path: '/start' },

  async build(provider) {
    const app = Fastify()
    await app.register(cookie)
    const sessions = new Map<string, Person>()
    const agent = new Agent({ keepAlive: true })
    const basic = Buffer.from(`${CLIENT.id}:${CLIENT.secret}`).toString('base64')
    const redirectUri = `${ORIGIN}/callback`
    const options = { path: '/', httpOnly: true, sameSite: 'lax' } as const

    async function ask<T>(path: string, authorization: string, form?: URLSearchParams): Promise<T> {
      const body = form?.toString()
      const headers = {
        authorization,
        ...(body && {
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': body.length,
        }),
      }
      const method = body === undefined ? 'GET' : 'POST'
      const answer = Promise.withResolvers<T>()
      httpRequest(`${provider}${path}`, { method, headers, agent }, (response) => {
        text(response).then((json) => answer.resolve(JSON.parse(json)), answer.reject)
      })
        .on('error', answer.reject)
        .end(body)
      return answer.promise
    }

    app.get('/start', async (_request, reply) => {
      const state = randomBytes(16).toString('base64url')
      const verifier = randomBytes(32).toString('base64url')
      const query = new URLSearchParams({
        response_type: 'code',
        client_id: CLIENT.id,
        redirect_uri: redirectUri,
        state,
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
      })
      reply.setCookie('flow', `${state}.${verifier}`, options)
      return reply.redirect(`${provider}/site/oauth2/authorize?${query}`)
    })

    app.get('/callback', async (request, reply) => {
      const { code = '', state } = request.query as { code?: string; state?: string }
      const [expected, verifier = ''] = request.cookies.flow?.split('.') ?? []
      if (state === undefined || state !== expected) return reply.code(400).send()
      const form = new URLSearchParams({
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri,
        code_verifier: verifier,
      })
      const { access_token } = await ask<{ access_token: string }>(
        '/site/oauth2/access_token',
        `Basic ${basic}`,
        form,
      )
      const bearer = `Bearer ${access_token}`
      const [user, emails] = await Promise.all([
        ask<BitbucketUser>('/2.0/user', bearer),
        ask<BitbucketEmails>('/2.0/user/emails', bearer),
      ])
      const session = randomBytes(32).toString('base64url')
      const person = { id: user.uuid, name: user.display_name, email: primaryEmail(emails) }
      sessions.set(session, person)
      reply.clearCookie('flow', options).setCookie('session', session, options)
      return reply.redirect('/')
    })

    app.get('/me', meRoute, async (request, reply) => {
      const person = sessions.get(request.cookies.session ?? '')
      return person ?? reply.code(401).send({ error: 'unauthenticated' })
    })
    return app
  },
}
