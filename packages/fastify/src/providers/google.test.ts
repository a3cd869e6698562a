import { describe, expect, it } from 'vitest'
import { google } from '../index.ts'
import { type KnownPerson, providerContract } from './provider-contract.ts'

const credentials = { clientId: 'a-client', clientSecret: 'a-client-secret' }

const source = 'https://developers.google.com/identity/openid-connect/openid-connect#obtainuserinfo'
const claims = {
  iss: 'https://accounts.google.com',
  sub: '10769150350006150715113082367',
  hd: 'example.com',
  email: 'jsmith@example.com',
  // A text in the documentation, a boolean in practice.
  email_verified: 'true',
}

const people: KnownPerson[] = [
  {
    title: 'the person of the documentation',
    source,
    claims,
    profile: {
      subject: '10769150350006150715113082367',
      name: undefined,
      email: 'jsmith@example.com',
      emailVerified: true,
      avatarUrl: undefined,
      attributes: { hostedDomain: 'example.com' },
    },
  },
  {
    title: 'a person with a name, a picture and a boolean',
    source: 'https://developers.google.com/identity/openid-connect/reference',
    claims: {
      ...claims,
      email_verified: true,
      name: 'Ada Test',
      picture: 'https://lh3.googleusercontent.com/a/ada',
    },
    profile: {
      name: 'Ada Test',
      avatarUrl: 'https://lh3.googleusercontent.com/a/ada',
      emailVerified: true,
    },
  },
  {
    title: 'a person without a domain',
    source,
    claims: { ...claims, hd: undefined, email: 'ada@example.com' },
    profile: { email: 'ada@example.com', emailVerified: true, attributes: {} },
  },
  {
    title: 'an address that is not verified',
    source,
    claims: { ...claims, email_verified: false },
    profile: { email: 'jsmith@example.com', emailVerified: false },
  },
  {
    title: 'an address without a word on its verification',
    source,
    claims: { ...claims, email_verified: undefined },
    profile: { email: 'jsmith@example.com', emailVerified: false },
  },
]

for (const { title, run } of providerContract(google(credentials), people)) it(title, run)

describe('with a hosted domain', () => {
  const provider = google({ ...credentials, hostedDomain: 'example.com' })
  const hint = 'https://developers.google.com/identity/openid-connect/openid-connect#hd-param'

  for (const { title, run } of providerContract(provider, [
    { title: 'a person of the domain', source, claims, profile: { email: 'jsmith@example.com' } },
    {
      title: 'a person of another domain, who removed the hint from the request',
      source: hint,
      claims: { ...claims, hd: 'example.org' },
      refused: 'provider_refused',
    },
    {
      title: 'a person of a subdomain',
      source: hint,
      claims: { ...claims, hd: 'sub.example.com' },
      refused: 'provider_refused',
    },
    {
      title: 'a person without a domain, whose address ends like it',
      source: hint,
      claims: { ...claims, hd: undefined },
      refused: 'provider_refused',
    },
  ]))
    it(title, run)

  it('asks Google for accounts of the domain', () => {
    expect(provider.authorizeParameters).toEqual({ hd: 'example.com' })
    expect(google(credentials).authorizeParameters).toEqual({})
  })

  it.each(['', '*', 'Example.com', '@example.com', 'https://example.com', 'example'])(
    'rejects the domain "%s"',
    (hostedDomain) => {
      expect(() => google({ hostedDomain })).toThrow(
        /^google\(\): `hostedDomain` must be a domain in lowercase letters/,
      )
    },
  )
})

it("accepts both spellings of Google's issuer, and no other", () => {
  const { isIssuer } = google(credentials).openid ?? {}
  expect(isIssuer?.('https://accounts.google.com', {})).toBe(true)
  expect(isIssuer?.('accounts.google.com', {})).toBe(true)
  expect(isIssuer?.('https://accounts.google.com.evil.example', {})).toBe(false)
  expect(isIssuer?.('https://accounts.google.com/', {})).toBe(false)
  expect(isIssuer?.('http://accounts.google.com', {})).toBe(false)
})

it('uses discovery, PKCE, a nonce and the scopes of a profile', () => {
  expect(google(credentials)).toMatchObject({
    openid: { issuer: 'https://accounts.google.com' },
    clientAuth: 'post',
    pkce: true,
    nonce: true,
    scope: ['openid', 'email', 'profile'],
  })
})

it('suggests the option that was probably meant', () => {
  expect(() => google({ hosted_domain: 'example.com' } as object)).toThrow(
    /^google\(\): there is no option `hosted_domain`\. Did you mean `hostedDomain`\?/,
  )
})
