import { expect, it } from 'vitest'
import { linkedin } from '../index.ts'
import { type KnownPerson, providerContract } from './provider-contract.ts'

const credentials = { clientId: 'a-client', clientSecret: 'a-client-secret' }

const source =
  'https://learn.microsoft.com/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2#response-body-schema'
const claims = {
  sub: '782bbtaQ',
  name: 'John Doe',
  given_name: 'John',
  family_name: 'Doe',
  picture:
    'https://media.licdn-ei.com/dms/image/C5F03AQHqK8v7tB1HCQ/profile-displayphoto-shrink_100_100/0/',
  locale: 'en-US',
  email: 'doe@email.com',
  email_verified: true,
}

const people: KnownPerson[] = [
  {
    title: 'the person of the documentation',
    source,
    claims,
    profile: {
      subject: '782bbtaQ',
      name: 'John Doe',
      email: 'doe@email.com',
      emailVerified: true,
      avatarUrl: claims.picture,
      active: true,
      attributes: {},
    },
  },
  {
    title: 'a locale that is an object',
    source:
      'https://docs.pingidentity.com/integrations/linkedin/setup/pf_linkedin_cic_json_pointer_syntax_reference.html',
    claims: {
      sub: 'vaz8tJ1Aah',
      email_verified: true,
      name: 'Example User',
      locale: { country: 'US', language: 'en' },
      given_name: 'Example',
      family_name: 'User',
      email: 'user@example.com',
      picture: 'https://medialicdn.com/dms/image/v2/example_user',
    },
    profile: { subject: 'vaz8tJ1Aah', name: 'Example User', email: 'user@example.com' },
  },
  {
    title: 'an address that is not verified',
    source,
    claims: { ...claims, email_verified: false },
    profile: { email: 'doe@email.com', emailVerified: false },
  },
  {
    title: 'a boolean as text',
    source,
    claims: { ...claims, email_verified: 'false' },
    profile: { emailVerified: false },
  },
  {
    title: 'a person without an address, which LinkedIn calls optional',
    source,
    claims: { ...claims, email: undefined, email_verified: undefined },
    profile: { email: undefined, emailVerified: false },
  },
  {
    title: 'a person without a picture',
    source,
    claims: { ...claims, picture: undefined },
    profile: { avatarUrl: undefined },
  },
]

for (const { title, run } of providerContract(linkedin(credentials), people)) it(title, run)

it('discovers the endpoints of its issuer, and sends neither PKCE nor a nonce', () => {
  expect(linkedin(credentials)).toMatchObject({
    openid: { issuer: 'https://www.linkedin.com/oauth' },
    clientAuth: 'post',
    nonce: false,
    pkce: false,
    scope: ['openid', 'profile', 'email'],
  })
})

it.each([
  ['https://www.linkedin.com/oauth', true],
  ['https://www.linkedin.com', true],
  ['https://www.linkedin.com/', false],
  ['https://www.linkedin.com.evil.example/oauth', false],
  ['http://www.linkedin.com/oauth', false],
])('judges the issuer %s', (issuer, verdict) => {
  expect(linkedin(credentials).openid?.isIssuer?.(issuer, {})).toBe(verdict)
})

it('suggests the option that was meant', () => {
  expect(() => linkedin({ ...credentials, nam: 'x' } as object)).toThrow(
    'linkedin(): there is no option `nam`. Did you mean `name`?',
  )
})
