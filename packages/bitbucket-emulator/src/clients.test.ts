import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type Express } from 'express'
import session from 'express-session'
import grant from 'grant'
import passport from 'passport'
import { Strategy } from 'passport-bitbucket-oauth20'
import { afterEach, describe, expect, it } from 'vitest'
import { type BitbucketEmulator, startBitbucketEmulator } from './emulator.ts'
import type { EmulatorOptions } from './options.ts'
import { defaultConsumer, defaultPeople } from './seed/people.ts'

// Clients that know Bitbucket, and nothing of an emulator: only their URLs are changed.

let emulator: BitbucketEmulator
let server: Server
let origin: string

async function start(options: EmulatorOptions): Promise<Express> {
  emulator = await startBitbucketEmulator(options)
  const app = express()
  // A store in memory is what express-session warns of, in production only.
  app.use(session({ secret: 'a secret of the tests', resave: false, saveUninitialized: true }))
  server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return app
}

afterEach(async () => {
  server.closeAllConnections()
  await Promise.all([once(server.close(), 'close'), emulator.close()])
})

/**
 * Presses the client's button and then a button of the consent page, as a browser would.
 *
 * @returns the last answer that is not a redirect
 */
async function signIn(path: string, press: Record<string, string>): Promise<Response> {
  const cookies = new Map<string, string>()
  const get = async (url: string, init: RequestInit = {}): Promise<Response> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = url.startsWith(origin) ? { cookie } : {}
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      cookies.set(name, value)
    }
    const location = response.headers.get('location')
    return location === null ? response : get(new URL(location, url).href)
  }
  const consent = await get(origin + path)
  expect(consent.url).toMatch(`${emulator.url}/site/oauth2/authorize?`)
  const form = new URLSearchParams()
  const page = await consent.text()
  for (const [, name = '', value = ''] of page.matchAll(
    /type="hidden" name="(.*?)" value="(.*?)"/g,
  )) {
    form.set(name, value)
  }
  for (const [name, value] of Object.entries(press)) form.set(name, value)
  return get(`${emulator.url}/site/oauth2/authorize`, { method: 'POST', body: form })
}

const [ada] = defaultPeople

describe('passport-bitbucket-oauth20, against the Bitbucket that it was written for', () => {
  async function startPassport(profile: 'legacy' | '2026'): Promise<void> {
    const app = await start({ profile })
    const strategy = new Strategy(
      {
        clientID: defaultConsumer.clientId,
        clientSecret: defaultConsumer.clientSecret,
        callbackURL: `${origin}/auth/bitbucket/callback`,
        authorizationURL: `${emulator.url}/site/oauth2/authorize`,
        tokenURL: `${emulator.url}/site/oauth2/access_token`,
        userProfileURL: `${emulator.url}/2.0/user`,
        userEmailsURL: `${emulator.url}/2.0/user/emails`,
      },
      (_accessToken, _refreshToken, { id, username, displayName, emails }, done) =>
        done(null, { id, username, displayName, emails }),
    )
    const bitbucket = new passport.Passport().use(strategy)
    app.get('/auth/bitbucket', bitbucket.authenticate('bitbucket', { session: false }))
    app.get(
      '/auth/bitbucket/callback',
      bitbucket.authenticate('bitbucket', { session: false }),
      (request, response) => response.json(request.user),
    )
  }

  it.each(['legacy', '2026'] as const)('signs somebody in: %s', async (profile) => {
    await startPassport(profile)
    const answer = await signIn('/auth/bitbucket', { user: 'ada' })
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({
      id: ada?.uuid,
      username: 'ada',
      displayName: 'Ada Test',
      emails: [{ value: 'ada@example.com', primary: true, verified: true }],
    })
  })

  it('takes a refusal for one', async () => {
    await startPassport('legacy')
    const answer = await signIn('/auth/bitbucket', { decision: 'deny' })
    expect(answer.status).toBe(401)
  })
})

describe('grant, against the Bitbucket of 2026', () => {
  async function startGrant(options: EmulatorOptions): Promise<void> {
    const app = await start(options)
    app.use(
      grant.default.express({
        defaults: {
          origin,
          transport: 'session',
          state: true,
          pkce: true,
          response: ['tokens', 'raw', 'profile'],
        },
        bitbucket: {
          key: defaultConsumer.clientId,
          secret: defaultConsumer.clientSecret,
          scope: ['account', 'email'],
          callback: '/signed-in',
          authorize_url: `${emulator.url}/site/oauth2/authorize`,
          access_url: `${emulator.url}/site/oauth2/access_token`,
          profile_url: `${emulator.url}/2.0/user`,
        },
      }),
    )
    app.get('/signed-in', (request, response) => {
      response.json(Object.entries(request.session).find(([name]) => name === 'grant')?.[1])
    })
  }

  it.each(['ignore', 'enforce'] as const)('signs somebody in, with PKCE: %s', async (pkce) => {
    await startGrant({ pkce })
    const answer = await signIn('/connect/bitbucket', { user: 'ada' })
    expect(answer.status).toBe(200)
    const exchange = emulator.requests.find(({ path }) => path === '/site/oauth2/access_token')
    expect(exchange?.body).toMatchObject({ code_verifier: expect.stringMatching(/./) })
    expect(await answer.json()).toMatchObject({
      response: {
        access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
        refresh_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
        raw: { scope: 'account email', expires_in: 7200 },
        profile: { uuid: ada?.uuid, account_id: ada?.accountId, display_name: 'Ada Test' },
      },
    })
  })

  it('takes a refusal for one', async () => {
    await startGrant({})
    const answer = await signIn('/connect/bitbucket', { decision: 'deny' })
    expect(await answer.json()).toMatchObject({ response: { error: 'access_denied' } })
  })

  it('is told that its credentials are wrong where only the header counts', async () => {
    await startGrant({ clientAuth: 'basic' })
    const answer = await signIn('/connect/bitbucket', { user: 'ada' })
    expect(await answer.json()).toMatchObject({
      response: { error: { error: 'unauthorized_client' } },
    })
  })
})
