import { describe, expect, it } from 'vitest'
import {
  atlassian,
  bitbucket,
  bitbucketDataCenter,
  discord,
  linkedin,
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
