import { expect, it } from 'vitest'
import { defineProvider } from '../index.ts'
import { buildApp } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'

it.each([
  ['', 'profile'],
  ['?scope=repo', 'profile repo'],
  ['?scope=admin%20repo', 'profile repo'],
  ['?scope=admin', 'profile'],
  ['?scope=repo&scope=repo', 'profile'],
])('a start with "%s" requests the scopes "%s"', async (query, scope) => {
  const acme = defineProvider({
    id: 'acme',
    name: 'Acme',
    clientId: 'a-client',
    clientSecret: 'a-client-secret',
    authorize: 'http://127.0.0.1:9/authorize',
    token: 'http://127.0.0.1:9/token',
    scope: ['profile'],
    optionalScopes: ['repo'],
    vouchesForEmail: false,
    profile: () => ({ subject: 'ada' }),
  })
  const browser = createBrowser(await buildApp({ url: '' }, { providers: [acme] }))
  const { headers } = await browser.get(`/auth/acme/start${query}`)
  expect(new URL(String(headers.location)).searchParams.get('scope')).toBe(scope)
})
