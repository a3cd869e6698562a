import { expect, it } from 'vitest'
import { slack } from '../index.ts'
import { type KnownPerson, providerContract } from './provider-contract.ts'

const credentials = { clientId: 'a-client', clientSecret: 'a-client-secret' }

const source =
  'https://docs.slack.dev/reference/methods/openid.connect.userInfo/, the claims of which the ID token also has'
const claims = {
  iss: 'https://slack.com',
  sub: 'U0R7JM',
  'https://slack.com/user_id': 'U0R7JM',
  'https://slack.com/team_id': 'T0R7GR',
  email: 'krane@slack-corp.com',
  email_verified: true,
  name: 'krane',
  picture: 'https://secure.gravatar.com/....png',
  given_name: 'Bront',
  family_name: 'Labradoodle',
}
const without = (name: keyof typeof claims): object => ({ ...claims, [name]: undefined })

const people: KnownPerson[] = [
  {
    title: 'the person of the documentation',
    source,
    claims,
    profile: {
      subject: 'T0R7GR.U0R7JM',
      name: 'krane',
      email: 'krane@slack-corp.com',
      emailVerified: false,
      avatarUrl: 'https://secure.gravatar.com/....png',
      active: true,
      attributes: { team: 'T0R7GR' },
    },
  },
  {
    title: 'the same id in another workspace as another person',
    source,
    claims: { ...claims, 'https://slack.com/team_id': 'T0R7GS' },
    profile: { subject: 'T0R7GS.U0R7JM', attributes: { team: 'T0R7GS' } },
  },
  {
    title: 'a person of an Enterprise organization, whose id begins with W',
    source: 'https://docs.slack.dev/enterprise/developing-for-enterprise-orgs',
    claims: { ...claims, 'https://slack.com/user_id': 'W0R7JM' },
    profile: { subject: 'T0R7GR.W0R7JM' },
  },
  {
    title: 'a person without an address',
    source,
    claims: without('email') as never,
    profile: { email: undefined, emailVerified: false },
  },
  {
    title: 'a person without a workspace',
    source,
    claims: without('https://slack.com/team_id') as never,
    refused: 'provider_bad_answer',
  },
  {
    title: 'a person without an id in the workspace, although there is a `sub`',
    source,
    claims: without('https://slack.com/user_id') as never,
    refused: 'provider_bad_answer',
  },
]

for (const { title, run } of providerContract(slack(credentials), people)) it(title, run)

it('discovers the endpoints of slack.com, and compares a nonce in place of PKCE', () => {
  expect(slack(credentials)).toMatchObject({
    openid: { issuer: 'https://slack.com', wanted: ['name', 'email', 'picture'] },
    clientAuth: 'post',
    nonce: true,
    pkce: false,
    scope: ['openid', 'profile', 'email'],
  })
})

it('suggests the option that was meant', () => {
  expect(() => slack({ ...credentials, clientSecrets: 'x' } as object)).toThrow(
    'slack(): there is no option `clientSecrets`. Did you mean `clientSecret`?',
  )
})
