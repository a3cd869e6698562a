import { expect, test } from 'vitest'
import { signInUrl } from './sign-in-url.ts'

function returnToOf(url: string): string | null {
  return new URL(url, 'https://app.example.com').searchParams.get('return_to')
}

test("starts at the provider's path under the base path", () => {
  expect(signInUrl('bitbucket')).toBe('/auth/bitbucket/start')
  expect(signInUrl('bitbucket', { basePath: '/api/auth' })).toBe('/api/auth/bitbucket/start')
})

test('returns to exactly the same page', () => {
  const url = signInUrl('bitbucket', { returnTo: '/reports?year=2026&tab=a%20b#top' })
  expect(url).toBe('/auth/bitbucket/start?return_to=%2Freports%3Fyear%3D2026%26tab%3Da%2520b%23top')
  expect(returnToOf(url)).toBe('/reports?year=2026&tab=a%20b#top')
})

test('encodes a path in any script as ASCII', () => {
  expect(returnToOf(signInUrl('bitbucket', { returnTo: '/café' }))).toBe('/caf%C3%A9')
  expect(returnToOf(signInUrl('bitbucket', { returnTo: '/日本/🔑' }))).toBe(
    '/%E6%97%A5%E6%9C%AC/%F0%9F%94%91',
  )
  expect(returnToOf(signInUrl('bitbucket', { returnTo: '/two words' }))).toBe('/two%20words')
})

test('passes a long target to the server, which shortens it', () => {
  const page = `/reports?q=${'x'.repeat(3000)}#top`
  expect(returnToOf(signInUrl('bitbucket', { returnTo: page }))).toBe(page)
})

test('accepts a lone surrogate', () => {
  expect(returnToOf(signInUrl('bitbucket', { returnTo: '/\ud83d' }))).toBe('/%EF%BF%BD')
})

test('passes a hostile target to the server, without adding parameters', () => {
  for (const returnTo of ['//evil.example', 'https://evil.example', '/\\evil.example']) {
    expect(returnToOf(signInUrl('bitbucket', { returnTo }))).toBe(returnTo)
  }
  const url = signInUrl('bitbucket', { returnTo: '/&prompt=none' })
  expect([...new URL(url, 'https://app.example.com').searchParams.keys()]).toEqual(['return_to'])
})

test('passes a login hint', () => {
  expect(signInUrl('bitbucket', { loginHint: 'test+1@example.com', returnTo: '/' })).toBe(
    '/auth/bitbucket/start?return_to=%2F&login_hint=test%2B1%40example.com',
  )
})

test('adds no parameters for empty options', () => {
  expect(signInUrl('bitbucket', { returnTo: '', loginHint: undefined })).toBe(
    '/auth/bitbucket/start',
  )
})
