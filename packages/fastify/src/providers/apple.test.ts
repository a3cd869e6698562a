import { generateKeyPairSync } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { expect, it } from 'vitest'
import { type AppleOptions, apple } from '../index.ts'
import { type KnownPerson, providerContract } from './provider-contract.ts'

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
const options = {
  clientId: 'com.example.app',
  teamId: 'TEAM123456',
  keyId: 'KEY1234567',
  privateKey: pem,
}

const source =
  'https://developer.apple.com/documentation/signinwithapple/authenticating-users-with-sign-in-with-apple'
const form =
  'https://developer.apple.com/documentation/signinwithapplerestapi/request-an-authorization-to-the-sign-in-with-apple-server.'
const claims = {
  iss: 'https://appleid.apple.com',
  sub: '001234.0123456789abcdef0123456789abcdef.0123',
  email: 'ada@example.com',
  email_verified: 'true',
  is_private_email: 'false',
}
const named = (name: unknown): KnownPerson['posted'] => ({
  user: JSON.stringify({ name, email: 'ada@example.com' }),
})

const people: KnownPerson[] = [
  {
    title: 'a person at their first sign-in, with booleans as texts',
    source: form,
    claims,
    posted: named({ firstName: 'Ada', lastName: 'Test' }),
    profile: {
      subject: claims.sub,
      name: 'Ada Test',
      email: 'ada@example.com',
      emailVerified: true,
      avatarUrl: undefined,
      active: true,
    },
  },
  {
    title: 'a person at a later sign-in, whose stored name is kept',
    source: form,
    claims: { ...claims, email_verified: true, is_private_email: false },
    profile: { name: undefined, email: 'ada@example.com', emailVerified: true },
  },
  {
    title: 'a person who hides their address behind a relay address',
    source,
    claims: { ...claims, email: 'ada@privaterelay.appleid.com', is_private_email: 'true' },
    profile: { email: 'ada@privaterelay.appleid.com', emailVerified: true },
  },
  {
    title: 'a person with a work account, whose address is not verified',
    source,
    claims: { ...claims, email_verified: 'false' },
    profile: { email: 'ada@example.com', emailVerified: false },
  },
  {
    title: 'a person with a school account, whose address is empty',
    source:
      'https://developer.apple.com/documentation/signinwithapple/receiving-a-users-identity-token',
    claims: { ...claims, email: '', email_verified: false },
    profile: { email: null, emailVerified: false },
  },
  {
    title: 'a person who removed one of their names',
    source: form,
    claims,
    posted: named({ firstName: 'Ada', lastName: '' }),
    profile: { name: 'Ada' },
  },
  {
    title: 'a person who removed both names',
    source: form,
    claims,
    posted: named({ firstName: '', lastName: '' }),
    profile: { name: undefined },
  },
  {
    title: 'an address in the form, which nobody signed',
    source: form,
    claims: { ...claims, email: undefined, email_verified: undefined },
    posted: named({ firstName: 'Ada', lastName: 'Test' }),
    profile: { name: 'Ada Test', email: undefined, emailVerified: false },
  },
  {
    title: 'a form that is not JSON',
    source: form,
    claims,
    posted: { user: '{' },
    profile: { name: undefined },
  },
]

for (const { title, run } of providerContract(apple(options), people)) it(title, run)

it('requests a form_post response, which Apple requires for a name or an address', () => {
  expect(apple(options)).toMatchObject({
    openid: { issuer: 'https://appleid.apple.com' },
    responseMode: 'form_post',
    posted: ['user'],
    clientAuth: 'post',
    pkce: false,
    nonce: true,
    scope: ['openid', 'name', 'email'],
  })
})

it('signs a new secret for each token request', async () => {
  const { clientSecret } = apple(options)
  if (typeof clientSecret !== 'function') throw new Error('the secret is constant')
  const secret = await clientSecret()
  expect(decodeProtectedHeader(secret)).toEqual({ alg: 'ES256', kid: 'KEY1234567' })
  const { iss, sub, aud, iat = 0, exp = 0 } = decodeJwt(secret)
  expect([iss, sub, aud, exp - iat]).toEqual([
    'TEAM123456',
    'com.example.app',
    'https://appleid.apple.com',
    300,
  ])
  expect(await clientSecret()).not.toBe(secret)
})

it('accepts a key on a single line, as it appears in environment variables', () => {
  const oneLine = pem.replaceAll('\n', '\\n')
  expect(typeof apple({ ...options, privateKey: oneLine }).clientSecret).toBe('function')
})

it('rejects a key that is not an Apple key, without quoting it', () => {
  const others = [
    generateKeyPairSync('ed25519'),
    generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  ].map((pair) => String(pair.privateKey.export({ type: 'pkcs8', format: 'pem' })))
  for (const bad of ['canary-key', ...others]) {
    const act = (): unknown => apple({ ...options, privateKey: bad })
    expect(act).toThrow(/^apple\(\): `privateKey` must be the contents of the \.p8 file/)
    expect(act).not.toThrow(/canary/)
  }
})

it.each(['clientId', 'teamId', 'keyId', 'privateKey'] as const)(
  'has no secret without `%s`, and names the variables to set',
  (missing) => {
    const incomplete: AppleOptions = { ...options, [missing]: undefined }
    const { clientSecret, setup } = apple(incomplete)
    expect(clientSecret).toBeUndefined()
    expect(setup).toContain('APPLE_CLIENT_ID, APPLE_TEAM_ID, APPLE_KEY_ID and APPLE_PRIVATE_KEY')
  },
)

it('suggests the option that was probably meant', () => {
  expect(() => apple({ ...options, teamID: 'TEAM123456' } as object)).toThrow(
    /^apple\(\): there is no option `teamID`\. Did you mean `teamId`\?/,
  )
})

it('rejects a client secret, because Apple does not use a fixed one', () => {
  expect(() => apple({ ...options, clientSecret: 'canary-secret' } as object)).toThrow(
    /^apple\(\): there is no option `clientSecret`\..* it is created from `privateKey`\./,
  )
})
