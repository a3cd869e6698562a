import { generateKeyPairSync } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { describe, expect, it } from 'vitest'
import {
  apple,
  atlassian,
  bitbucket,
  bitbucketDataCenter,
  discord,
  github,
  gitlab,
  google,
  linkedin,
  microsoft,
  type Provider,
  slack,
} from '../index.ts'
import { type KnownPerson, providerContract } from './provider-contract.ts'

const credentials = { clientId: 'a-client', clientSecret: 'a-client-secret' }

function passes(provider: Provider, people: readonly KnownPerson[]): void {
  for (const { title, run } of providerContract(provider, people)) it(title, run)
}

describe('bitbucket()', () => {
  const source =
    'https://developer.atlassian.com/cloud/bitbucket/rest/api-group-users/#api-user-get, schema of `user`'
  const user = {
    type: 'user',
    uuid: '{a1e7c0de-0001-4a01-8a01-000000000001}',
    display_name: 'Ada Test',
    nickname: 'ada',
    account_id: '557058:a1e7c0de-0001-4a01-8a01-000000000001',
    links: { avatar: { href: 'https://avatar.example/ada' } },
  }
  const values = [{ email: 'ada@example.com', is_primary: true, is_confirmed: true }]
  passes(bitbucket(credentials), [
    {
      title: 'a person',
      source,
      responses: { user: { body: user }, emails: { body: { values } } },
      profile: {
        subject: '{a1e7c0de-0001-4a01-8a01-000000000001}',
        name: 'Ada Test',
        email: 'ada@example.com',
        emailVerified: true,
        avatarUrl: 'https://avatar.example/ada',
        active: true,
        attributes: { accountId: user.account_id, nickname: 'ada' },
      },
    },
    {
      title: 'a person without a confirmed address',
      source,
      responses: {
        user: { body: user },
        emails: { body: { values: [{ ...values[0], is_confirmed: false }] } },
      },
      profile: { email: null, emailVerified: false },
    },
    {
      title: 'a closed account',
      source,
      responses: {
        user: { body: { ...user, account_status: 'closed' } },
        emails: { body: { values } },
      },
      profile: { active: false },
    },
  ])
})

describe('github()', () => {
  const source =
    'https://docs.github.com/rest/users/users#get-the-authenticated-user and https://docs.github.com/rest/users/emails#list-email-addresses-for-the-authenticated-user'
  const user = {
    login: 'octocat',
    id: 1,
    avatar_url: 'https://github.com/images/error/octocat_happy.gif',
    name: 'monalisa octocat',
    email: 'octocat@github.com',
  }
  const address = {
    email: 'octocat@github.com',
    verified: true,
    primary: true,
    visibility: 'public',
  }
  passes(github(credentials), [
    {
      title: 'the person of the documentation',
      source,
      responses: { user: { body: user }, emails: { body: [address] } },
      profile: {
        subject: '1',
        name: 'monalisa octocat',
        email: 'octocat@github.com',
        emailVerified: true,
        avatarUrl: 'https://github.com/images/error/octocat_happy.gif',
        active: true,
        attributes: { login: 'octocat' },
      },
    },
    {
      title: 'a person without a name, whose address is not verified',
      source,
      responses: {
        user: { body: { ...user, name: null } },
        emails: { body: [{ ...address, verified: false }] },
      },
      profile: { subject: '1', name: 'octocat', email: null, emailVerified: false },
    },
    {
      title: 'a person who is suspended on an Enterprise Server',
      source:
        'https://docs.github.com/enterprise-server/rest/users/users#get-the-authenticated-user',
      responses: {
        user: { body: { ...user, suspended_at: '2026-01-01T00:00:00Z' } },
        emails: { body: [address] },
      },
      profile: { active: false },
    },
  ])

  it('reaches an Enterprise Server at its own URL', () => {
    const { authorize, token, issuer, steps } = github({
      ...credentials,
      url: 'https://git.example.com/',
    })
    expect([authorize, token, issuer, steps.user?.url, steps.emails?.url]).toEqual([
      'https://git.example.com/login/oauth/authorize',
      'https://git.example.com/login/oauth/access_token',
      'https://git.example.com/login/oauth',
      'https://git.example.com/api/v3/user',
      'https://git.example.com/api/v3/user/emails?per_page=100',
    ])
  })

  it.each([
    'git.example.com',
    'https://git.example.com/?x',
    'ftp://git.example.com',
    'https://a:b@c',
  ])('rejects the url %s', (url) => {
    expect(() => github({ url })).toThrow(/^github\(\): `url` must be the URL of your server/)
  })

  it('suggests the option that was meant', () => {
    expect(() => github({ ...credentials, clientID: 'x' } as object)).toThrow(
      'github(): there is no option `clientID`. Did you mean `clientId`?',
    )
  })
})

describe('gitlab()', () => {
  const source = 'https://docs.gitlab.com/api/users/#retrieve-the-current-user'
  const user = {
    id: 1,
    username: 'john_smith',
    email: 'john@example.com',
    name: 'John Smith',
    state: 'active',
    locked: false,
    avatar_url: 'http://localhost:3000/uploads/user/avatar/1/index.jpg',
    confirmed_at: '2012-05-23T09:05:22Z',
  }
  const one = (changed: object): KnownPerson['responses'] => ({
    user: { body: { ...user, ...changed } },
  })
  passes(gitlab(credentials), [
    {
      title: 'the person of the documentation',
      source,
      responses: one({}),
      profile: {
        subject: '1',
        name: 'John Smith',
        email: 'john@example.com',
        emailVerified: true,
        // Not https.
        avatarUrl: null,
        active: true,
        attributes: { username: 'john_smith' },
      },
    },
    {
      title: 'a blocked person',
      source,
      responses: one({ state: 'blocked' }),
      profile: { active: false },
    },
    {
      title: 'a locked person',
      source,
      responses: one({ locked: true }),
      profile: { active: false },
    },
    {
      title: 'a person who has not confirmed their address',
      source,
      responses: one({ confirmed_at: null }),
      profile: { email: 'john@example.com', emailVerified: false },
    },
  ])

  describe('of a self-managed GitLab', () => {
    passes(gitlab({ ...credentials, url: 'https://gitlab.example.com' }), [
      {
        title: 'a person, whose address does not count as verified',
        source,
        responses: one({}),
        profile: { subject: '1', emailVerified: false },
      },
    ])
  })
})

describe('google()', () => {
  const source =
    'https://developers.google.com/identity/openid-connect/openid-connect#obtainuserinfo'
  const claims = {
    iss: 'https://accounts.google.com',
    sub: '10769150350006150715113082367',
    hd: 'example.com',
    email: 'jsmith@example.com',
    // A text in the documentation, a boolean in practice.
    email_verified: 'true',
  }
  passes(google(credentials), [
    {
      title: 'the person of the documentation',
      source,
      claims,
      profile: {
        subject: '10769150350006150715113082367',
        email: 'jsmith@example.com',
        emailVerified: true,
        attributes: { hostedDomain: 'example.com' },
      },
    },
    {
      title: 'an address that is not verified',
      source,
      claims: { ...claims, email_verified: false },
      profile: { emailVerified: false },
    },
  ])

  describe('with a hosted domain', () => {
    const provider = google({ ...credentials, hostedDomain: 'example.com' })
    passes(provider, [
      { title: 'a person of the domain', source, claims, profile: { email: 'jsmith@example.com' } },
      {
        title: 'a person of another domain, who removed the hint from the request',
        source,
        claims: { ...claims, hd: 'example.org' },
        refused: 'provider_refused',
      },
      {
        title: 'a person without a domain',
        source,
        claims: { ...claims, hd: undefined },
        refused: 'provider_refused',
      },
    ])

    it('asks Google for accounts of the domain', () => {
      expect(provider.authorizeParameters).toEqual({ hd: 'example.com' })
    })
  })

  it("accepts both spellings of Google's issuer, and no other", () => {
    const { isIssuer } = google(credentials).openid ?? {}
    expect(isIssuer?.('https://accounts.google.com', {})).toBe(true)
    expect(isIssuer?.('accounts.google.com', {})).toBe(true)
    expect(isIssuer?.('https://accounts.google.com.evil.example', {})).toBe(false)
    expect(isIssuer?.('http://accounts.google.com', {})).toBe(false)
  })
})

describe('microsoft()', () => {
  const source = 'https://learn.microsoft.com/entra/identity-platform/id-tokens#sample-v20-id-token'
  const tid = '9122040d-6c67-4c5b-b112-36a304b66dad'
  const claims = {
    iss: `https://login.microsoftonline.com/${tid}/v2.0`,
    sub: 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ',
    name: 'Abe Lincoln',
    preferred_username: 'AbeLi@microsoft.com',
    oid: '00000000-0000-0000-66f3-3332eca7ea81',
    tid,
  }
  passes(microsoft(credentials), [
    {
      title: 'the person of the documentation',
      source,
      claims,
      profile: {
        subject: `${tid}.00000000-0000-0000-66f3-3332eca7ea81`,
        name: 'Abe Lincoln',
        emailVerified: false,
        attributes: { tenant: tid, username: 'AbeLi@microsoft.com' },
      },
    },
    {
      title: 'a person whose tenant entered an address, which proves nothing',
      source,
      claims: { ...claims, email: 'ada@example.com', email_verified: true },
      profile: { email: 'ada@example.com', emailVerified: false },
    },
    {
      title: 'a person without an object ID',
      source,
      claims: { ...claims, oid: undefined },
      refused: 'provider_bad_answer',
    },
  ])

  it.each([
    ['the issuer of its own tenant', undefined, claims.iss, { tid }, true],
    ['the issuer of another tenant', undefined, claims.iss, { tid: claims.oid }, false],
    [
      'a tenant that is no GUID',
      undefined,
      'https://login.microsoftonline.com/x/v2.0',
      { tid: 'x' },
      false,
    ],
    ['an allowed tenant', [tid], claims.iss, { tid }, true],
    ['a tenant that is not allowed', [claims.oid], claims.iss, { tid }, false],
    ['no tenant', undefined, claims.iss, {}, false],
  ])('judges %s', (_what, tenants, iss, named, verdict) => {
    const { openid } = microsoft({ ...credentials, tenants })
    expect(openid?.isIssuer?.(iss, named)).toBe(verdict)
  })

  it('discovers the endpoints of its only tenant, or the common ones', () => {
    expect(microsoft({ ...credentials, tenants: [tid] }).openid).toMatchObject({
      issuer: `https://login.microsoftonline.com/${tid}/v2.0`,
      metadata: `https://login.microsoftonline.com/${tid}/v2.0/.well-known/openid-configuration`,
    })
    expect(microsoft(credentials).openid).toMatchObject({
      issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0',
      metadata: 'https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration',
    })
  })

  it.each([[[]], [['contoso.onmicrosoft.com']], ['common' as unknown as string[]]])(
    'rejects the tenants %j',
    (tenants) => {
      expect(() => microsoft({ tenants })).toThrow(/^microsoft\(\): `tenants` must be an array/)
    },
  )
})

describe('apple()', () => {
  const source =
    'https://developer.apple.com/documentation/signinwithapple/authenticating-users-with-sign-in-with-apple'
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const key = { teamId: 'TEAM123456', keyId: 'KEY1234567', privateKey: pem }
  const options = { clientId: 'com.example.app', ...key }
  const claims = {
    iss: 'https://appleid.apple.com',
    sub: '001234.0123456789abcdef0123456789abcdef.0123',
    email: 'relay@privaterelay.appleid.com',
    email_verified: 'true',
    is_private_email: 'true',
  }
  const user = JSON.stringify({ name: { firstName: 'Ada', lastName: 'Test' } })
  passes(apple(options), [
    {
      title: 'a person at their first sign-in, with booleans as texts',
      source,
      claims,
      posted: { user },
      profile: {
        subject: claims.sub,
        name: 'Ada Test',
        email: 'relay@privaterelay.appleid.com',
        emailVerified: true,
      },
    },
    {
      title: 'a person at a later sign-in, without a name',
      source,
      claims: { ...claims, email_verified: true },
      profile: { name: undefined, emailVerified: true },
    },
    {
      title: 'a form that is not JSON',
      source,
      claims,
      posted: { user: '{' },
      profile: { name: undefined },
    },
  ])

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
  })

  it('accepts a key in one line, as environment variables have it', () => {
    const privateKey = pem.replaceAll('\n', '\\n')
    expect(typeof apple({ ...options, privateKey }).clientSecret).toBe('function')
  })

  it('rejects a key that is not one of Apple, without quoting it', () => {
    const other = generateKeyPairSync('ed25519').privateKey
    for (const bad of ['canary-key', String(other.export({ type: 'pkcs8', format: 'pem' }))]) {
      const act = (): unknown => apple({ ...options, privateKey: bad })
      expect(act).toThrow(/^apple\(\): `privateKey` must be the contents of the \.p8 file/)
      expect(act).not.toThrow(/canary/)
    }
  })
})

describe('discord()', () => {
  const source = 'https://docs.discord.com/developers/resources/user#user-object-example-user'
  const user = {
    id: '80351110224678912',
    username: 'Nelly',
    avatar: '8342729096ea3675442027381ff50dfe',
    verified: true,
    email: 'nelly@discord.com',
  }
  const one = (changed: object): KnownPerson['responses'] => ({
    user: { body: { ...user, ...changed } },
  })
  passes(discord(credentials), [
    {
      title: 'the person of the documentation',
      source,
      responses: one({}),
      profile: {
        subject: '80351110224678912',
        email: 'nelly@discord.com',
        emailVerified: true,
        avatarUrl:
          'https://cdn.discordapp.com/avatars/80351110224678912/8342729096ea3675442027381ff50dfe.png',
        attributes: { username: 'Nelly' },
      },
    },
    {
      title: 'a person without a display name, a picture and a verified address',
      source: 'https://docs.discord.com/developers/resources/user#user-object-user-structure',
      responses: one({ global_name: null, avatar: null, verified: false }),
      profile: { name: 'Nelly', avatarUrl: null, emailVerified: false },
    },
  ])
})

describe('slack()', () => {
  const source = 'https://docs.slack.dev/authentication/sign-in-with-slack/'
  const claims = {
    iss: 'https://slack.com',
    sub: 'U123ABC456',
    'https://slack.com/team_id': 'T0123ABC456',
    'https://slack.com/user_id': 'U123ABC456',
    email: 'alice@example.com',
    email_verified: true,
    name: 'Alice',
  }
  passes(slack(credentials), [
    {
      title: 'the person of the documentation',
      source,
      claims,
      profile: {
        subject: 'T0123ABC456.U123ABC456',
        name: 'Alice',
        email: 'alice@example.com',
        emailVerified: false,
        attributes: { team: 'T0123ABC456' },
      },
    },
    {
      title: 'a person without a workspace',
      source,
      claims: { ...claims, 'https://slack.com/team_id': undefined },
      refused: 'provider_bad_answer',
    },
  ])
})

describe('linkedin()', () => {
  const source =
    'https://learn.microsoft.com/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2'
  const claims = {
    sub: '782bbtaQ',
    name: 'John Doe',
    picture:
      'https://media.licdn-ei.com/dms/image/C5F03AQHqK8v7tB1HCQ/profile-displayphoto-shrink_100_100/0/',
    email: 'doe@email.com',
    email_verified: true,
  }
  passes(linkedin(credentials), [
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
      },
    },
    {
      title: 'a boolean as text',
      source,
      claims: { ...claims, email_verified: 'false' },
      profile: { emailVerified: false },
    },
  ])

  it('sends neither PKCE nor a nonce, which LinkedIn does not have', () => {
    expect(linkedin(credentials)).toMatchObject({ pkce: false, nonce: false, clientAuth: 'post' })
  })
})

describe('atlassian()', () => {
  const source =
    'https://developer.atlassian.com/cloud/confluence/oauth-2-3lo-apps/#how-do-i-retrieve-the-public-profile-of-the-authenticated-user-'
  const me = {
    account_type: 'atlassian',
    account_id: '112233aa-bb11-cc22-33dd-445566abcabc',
    email: 'mia@example.com',
    name: 'Mia Krystof',
    picture:
      'https://avatar-management--avatars.us-west-2.prod.public.atl-paas.net/112233aa-bb11-cc22-33dd-445566abcabc/1234abcd-9876-54aa-33aa-1234dfsade9487ds',
    account_status: 'active',
    nickname: 'mkrystof',
  }
  passes(atlassian(credentials), [
    {
      title: 'the person of the documentation',
      source,
      responses: { me: { body: me } },
      profile: {
        subject: '112233aa-bb11-cc22-33dd-445566abcabc',
        name: 'Mia Krystof',
        email: 'mia@example.com',
        emailVerified: false,
        avatarUrl: me.picture,
        active: true,
        attributes: { nickname: 'mkrystof' },
      },
    },
    {
      title: 'a closed account',
      source,
      responses: { me: { body: { ...me, account_status: 'closed' } } },
      profile: { active: false },
    },
  ])
})

describe('bitbucketDataCenter()', () => {
  const source =
    'https://developer.atlassian.com/server/bitbucket/rest/v906/api-group-system-maintenance/#api-api-latest-users-get'
  const jane = {
    name: 'jcitizen',
    emailAddress: 'jane@example.com',
    id: 101,
    displayName: 'Jane Citizen',
    active: true,
    slug: 'jcitizen',
    type: 'NORMAL',
  }
  const other = { ...jane, name: 'jcitizen2', id: 102, slug: 'jcitizen2' }
  const people = (...values: object[]): KnownPerson['responses'] => ({
    whoami: { headers: { 'x-ausername': 'jcitizen' }, body: '' },
    users: { body: { values } },
  })
  const url = 'https://bitbucket.example.com/context'
  passes(bitbucketDataCenter({ ...credentials, url }), [
    {
      title: 'a person whose name begins like that of another',
      source,
      responses: people(other, jane),
      profile: {
        subject: '101',
        name: 'Jane Citizen',
        email: 'jane@example.com',
        emailVerified: false,
        active: true,
        attributes: { username: 'jcitizen', slug: 'jcitizen' },
      },
    },
    {
      title: 'a person who is not in the list',
      source,
      responses: people(other),
      refused: 'provider_bad_answer',
    },
    {
      title: 'a deactivated person',
      source,
      responses: people({ ...jane, active: false }),
      profile: { active: false },
    },
    {
      title: 'nobody, because the server returned no name',
      source,
      responses: { ...people({ ...jane, name: '' }), whoami: { body: '' } },
      refused: 'provider_bad_answer',
    },
  ])

  it('needs the URL of the server', () => {
    expect(() => bitbucketDataCenter({ url: undefined })).toThrow(
      'bitbucketDataCenter(): `url` is missing.',
    )
  })
})
