import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type Express } from 'express'
import session from 'express-session'
import grant from 'grant'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import passport from 'passport'
import { Strategy } from 'passport-bitbucket-oauth20'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type BitbucketEmulator, startBitbucketEmulator } from './emulator.ts'
import type { EmulatorOptions } from './options.ts'
import { defaultConsumer, defaultPeople } from './seed/people.ts'
import { callback, postConsent } from './testing/client.ts'

// Clients written for Bitbucket, without any support for the emulator. Only their URLs differ.

let emulator: BitbucketEmulator
let origin: string

async function start(options: EmulatorOptions): Promise<Express> {
  emulator = await startBitbucketEmulator(options)
  const app = express()
  // express-session warns about its in-memory store only in production.
  app.use(session({ secret: 'a secret of the tests', resave: false, saveUninitialized: true }))
  const server: Server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    await Promise.all([once(server.close(), 'close'), emulator.close()])
  })
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return app
}

/**
 * Opens the client's sign-in URL and presses a button of the consent page, as a browser would.
 *
 * @returns The first response that is not a redirect
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

describe('passport-bitbucket-oauth20', () => {
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

  it.each(['legacy', '2026'] as const)('signs in with the profile %s', async (profile) => {
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

  it('reports a denied consent', async () => {
    await startPassport('legacy')
    const answer = await signIn('/auth/bitbucket', { decision: 'deny' })
    expect(answer.status).toBe(401)
  })
})

describe('grant, with the profile 2026', () => {
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

  it.each(['ignore', 'enforce'] as const)('signs in with PKCE set to %s', async (pkce) => {
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

  it('reports a denied consent', async () => {
    await startGrant({})
    const answer = await signIn('/connect/bitbucket', { decision: 'deny' })
    expect(await answer.json()).toMatchObject({ response: { error: 'access_denied' } })
  })

  it('gets unauthorized_client for credentials in the form with clientAuth basic', async () => {
    await startGrant({ clientAuth: 'basic' })
    const answer = await signIn('/connect/bitbucket', { user: 'ada' })
    expect(await answer.json()).toMatchObject({
      response: { error: { error: 'unauthorized_client' } },
    })
  })
})

// Both encode `-` in a Basic header as `%2D`, as RFC 6749 §2.3.1 requires. Other clients send it unencoded.
describe('clients that encode their credentials, with the profile 2026', () => {
  async function startBitbucket(): Promise<oauth.AuthorizationServer> {
    emulator = await startBitbucketEmulator({ pkce: 'enforce', clientAuth: 'basic' })
    onTestFinished(emulator.close)
    return {
      issuer: emulator.url,
      authorization_endpoint: `${emulator.url}/site/oauth2/authorize`,
      token_endpoint: `${emulator.url}/site/oauth2/access_token`,
    }
  }

  /** Returns the callback URL that the browser is redirected to after Ada has consented. */
  async function agree(authorizeUrl: URL): Promise<URL> {
    const parameters = Object.fromEntries(authorizeUrl.searchParams)
    const consent = await postConsent(emulator.url, { ...parameters, user: 'ada' })
    return new URL(consent.headers.get('location') ?? '')
  }

  function expectEncodedCredentials(): void {
    const exchange = emulator.requests.find(({ path }) => path === '/site/oauth2/access_token')
    const [, encoded = ''] = exchange?.headers.authorization?.split(' ') ?? []
    expect(atob(encoded)).toBe('latchkey%2Ddev:latchkey%2Ddev%2Dsecret')
  }

  it('signs in and refreshes with oauth4webapi', async () => {
    const server = await startBitbucket()
    const client = { client_id: defaultConsumer.clientId }
    const authentication = oauth.ClientSecretBasic(defaultConsumer.clientSecret)
    const overHttp = { [oauth.allowInsecureRequests]: true }
    const verifier = oauth.generateRandomCodeVerifier()
    const state = oauth.generateRandomState()
    const authorizeUrl = new URL(server.authorization_endpoint ?? '')
    authorizeUrl.search = new URLSearchParams({
      client_id: client.client_id,
      redirect_uri: callback,
      response_type: 'code',
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }).toString()

    const returned = oauth.validateAuthResponse(server, client, await agree(authorizeUrl), state)
    const exchange = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      authentication,
      returned,
      callback,
      verifier,
      overHttp,
    )
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, exchange)
    expectEncodedCredentials()
    expect(tokens).toMatchObject({ token_type: 'bearer', scope: 'account email' })
    const refreshToken = tokens.refresh_token ?? ''
    const refreshed = await oauth.processRefreshTokenResponse(
      server,
      client,
      await oauth.refreshTokenGrantRequest(server, client, authentication, refreshToken, overHttp),
    )
    const user = await oauth.protectedResourceRequest(
      refreshed.access_token,
      'GET',
      new URL(`${emulator.url}/2.0/user`),
      undefined,
      undefined,
      overHttp,
    )
    expect(await user.json()).toMatchObject({ uuid: ada?.uuid })
  })

  it('signs in and refreshes with openid-client', async () => {
    const client = new openid.Configuration(
      await startBitbucket(),
      defaultConsumer.clientId,
      undefined,
      openid.ClientSecretBasic(defaultConsumer.clientSecret),
    )
    openid.allowInsecureRequests(client)
    const pkceCodeVerifier = openid.randomPKCECodeVerifier()
    const expectedState = openid.randomState()
    const authorizeUrl = openid.buildAuthorizationUrl(client, {
      redirect_uri: callback,
      state: expectedState,
      code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    })

    const returned = await agree(authorizeUrl)
    const checks = { pkceCodeVerifier, expectedState }
    const tokens = await openid.authorizationCodeGrant(client, returned, checks)
    expectEncodedCredentials()
    const refreshed = await openid.refreshTokenGrant(client, tokens.refresh_token ?? '')
    const address = new URL(`${emulator.url}/2.0/user`)
    const { access_token } = refreshed
    const user = await openid.fetchProtectedResource(client, access_token, address, 'GET')
    expect(await user.json()).toMatchObject({ uuid: ada?.uuid })
  })
})
