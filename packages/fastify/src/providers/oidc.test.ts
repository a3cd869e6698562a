import { describe, expect, it } from 'vitest'
import { oidc } from '../index.ts'
import { type KnownPerson, providerContract } from './provider-contract.ts'

const acme = {
  id: 'acme',
  name: 'Acme',
  issuer: 'https://id.acme.example',
  clientId: 'a-client',
  clientSecret: 'a-client-secret',
}

const source = 'https://openid.net/specs/openid-connect-core-1_0.html#UserInfoResponse'
const claims = {
  sub: '248289761001',
  name: 'Jane Doe',
  given_name: 'Jane',
  family_name: 'Doe',
  preferred_username: 'j.doe',
  email: 'janedoe@example.com',
  picture: 'http://example.com/janedoe/me.jpg',
}

const people: KnownPerson[] = [
  {
    title: 'the person of the specification, whose picture is not at https',
    source,
    claims,
    profile: {
      subject: '248289761001',
      name: 'Jane Doe',
      email: 'janedoe@example.com',
      emailVerified: false,
      avatarUrl: null,
      attributes: { username: 'j.doe' },
    },
  },
  {
    title: 'a person with a subject alone, whose stored values are kept',
    source: 'https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims',
    claims: { sub: '248289761001' },
    profile: { name: undefined, email: undefined, avatarUrl: undefined, attributes: {} },
  },
  {
    title: 'a verified address, which counts only if the application says so',
    source: 'https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims',
    claims: { ...claims, email_verified: true },
    profile: { email: 'janedoe@example.com', emailVerified: false },
  },
]

for (const { title, run } of providerContract(oidc(acme), people)) it(title, run)

describe('with `vouchesForEmail`', () => {
  const people: KnownPerson[] = [true, 'true', false, undefined].map((email_verified) => ({
    title: `an address whose claim is ${JSON.stringify(email_verified)}`,
    source: 'https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims',
    claims: { ...claims, email_verified },
    profile: { emailVerified: String(email_verified) === 'true' },
  }))
  const provider = oidc({ ...acme, vouchesForEmail: true })
  for (const { title, run } of providerContract(provider, people)) it(title, run)
})

it('keeps the slash at the end of an issuer, which Auth0 has', () => {
  const issuer = 'https://acme.eu.auth0.com/'
  expect(oidc({ ...acme, issuer }).openid?.issuer).toBe(issuer)
})

it('lets a profile of your own read other claims', () => {
  const provider = oidc({ ...acme, profile: ({ sub }) => ({ subject: `x-${sub}` }) })
  expect(provider.profile({ claims, posted: {} })).toEqual({ subject: 'x-248289761001' })
})

it.each(['id.acme.example', '', 'ftp://id.acme.example', 'https://id.acme.example/?tenant=1'])(
  'rejects the issuer "%s"',
  (issuer) => {
    expect(() => oidc({ ...acme, issuer })).toThrow(/^Provider `acme`: `openid` must be/)
  },
)

it('suggests the option that was probably meant', () => {
  expect(() => oidc({ ...acme, vouchForEmail: true } as never)).toThrow(
    /`vouchForEmail`\. Did you mean `vouchesForEmail`\?/,
  )
})
