import {
  type EmulatorOptions,
  rateLimitExceeded,
  startBitbucketEmulator,
} from '@latchkey/bitbucket-emulator'
import { expect, it, onTestFinished } from 'vitest'
import { type BitbucketOptions, bitbucket } from '../index.ts'
import { buildApp } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'

async function startBitbucket(options: EmulatorOptions) {
  const emulator = await startBitbucketEmulator(options)
  onTestFinished(emulator.close)
  return emulator
}

it.each<[string, EmulatorOptions]>([
  ['with the rules of 2026', { profile: '2026' }],
  ['with the earlier rules', { profile: 'legacy' }],
  ['that checks PKCE', { pkce: 'enforce' }],
  ['that accepts credentials only in the header', { clientAuth: 'basic' }],
  ['that limits a token to the requested scopes', { scopeParameter: 'narrow' }],
])('signs people in with a Bitbucket %s', async (_, options) => {
  const browser = createBrowser(await buildApp(await startBitbucket(options)))
  const answer = await browser.signIn('ada')
  expect(answer.headers.location).toBe('/')
  expect((await browser.get('/api/me')).json().user).toMatchObject({
    name: 'Ada Test',
    email: 'ada@example.com',
    emailVerified: true,
  })
})

it('requests only the scopes that it needs', async () => {
  const browser = createBrowser(await buildApp(await startBitbucket({})))
  const { searchParams } = new URL(await browser.start())
  expect(searchParams.get('scope')).toBe('account email')
})

it.each([
  ['GET /2.0/user', rateLimitExceeded],
  ['GET /2.0/user', { status: 429 }],
  ['GET /2.0/user/emails', rateLimitExceeded],
] as const)(
  'sends no second request when Bitbucket rate-limits the first: %s',
  async (route, answer) => {
    const emulator = await startBitbucket({})
    emulator.answerNext(route, { ...answer, times: 9 })
    const browser = createBrowser(await buildApp(emulator))
    const { location } = (await browser.signIn('ada')).headers
    const [, path] = route.split(' ')
    // People can sign in without an address, but not without a user.
    if (path === '/2.0/user') expect(location).toContain('auth_error=provider_unavailable')
    else expect(location).toBe('/')
    expect(emulator.requests.filter((request) => request.path === path)).toHaveLength(1)
  },
)

it('rejects a `refuseUnknownAccountStatus` that is not a boolean', () => {
  const options = { emulatorUrl: 'http://127.0.0.1:4020', refuseUnknownAccountStatus: 'true' }
  expect(() => bitbucket(options as unknown as BitbucketOptions)).toThrow(
    'bitbucket(): `refuseUnknownAccountStatus` must be true or false.',
  )
})
