import { OAuth2Server } from 'oauth2-mock-server'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type OidcOptions, oidc } from '../index.ts'
import { buildApp } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'

// A second, independent OpenID provider. It agrees to everything without a page.

const server = new OAuth2Server()
beforeAll(async () => {
  await server.issuer.keys.generate('RS256')
  await server.start(0, '127.0.0.1')
})
afterAll(() => server.stop())

const name = 'Ada Test'

it.each<Partial<OidcOptions>>([
  {},
  { clientAuth: 'post' },
  { clientAuth: 'none', clientSecret: undefined },
])('signs in at oauth2-mock-server with %j', async (options) => {
  const issuer = String(server.issuer.url)
  const provider = oidc({
    id: 'mock',
    name: 'Mock',
    issuer,
    clientId: 'a-client',
    clientSecret: 'a-client-secret',
    ...options,
  })
  server.service.once('beforeTokenSigning', (token) => {
    token.payload.name = name
  })
  server.service.once('beforeUserinfo', (answer) => {
    answer.body = { sub: 'johndoe', name, email: 'ada@example.com', email_verified: true }
  })
  const browser = createBrowser(await buildApp({ url: '' }, { providers: [provider] }))
  const { headers } = await browser.get('/auth/mock/start')
  const agreed = await fetch(String(headers.location), { redirect: 'manual' })
  const { pathname, search } = new URL(String(agreed.headers.get('location')))
  const callback = await browser.get(pathname + search)
  expect(callback.headers.location).toBe('/')
  const { user } = (await browser.get('/auth/session')).json()
  expect(user).toMatchObject({ name, email: 'ada@example.com', emailVerified: false })
})
