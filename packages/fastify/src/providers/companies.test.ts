import { describe, it } from 'vitest'
import { bitbucket, github } from '../index.ts'
import { providerContract } from '../testing/provider-contract.ts'

const credentials = { clientId: 'a-client', clientSecret: 'a-client-secret' }

describe('github()', () => {
  const source = 'https://docs.github.com/rest/users/users#get-the-authenticated-user'
  const user = {
    login: 'octocat',
    id: 1,
    avatar_url: 'https://github.com/images/error/octocat_happy.gif',
    name: 'monalisa octocat',
    email: 'octocat@github.com',
  }
  const emails = [
    { email: 'octocat@github.com', verified: true, primary: true, visibility: 'public' },
  ]
  const people = [
    {
      title: 'the person of the documentation',
      source,
      responses: { user: { body: user }, emails: { body: emails } },
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
        emails: { body: [{ ...emails[0], verified: false }] },
      },
      profile: { subject: '1', name: 'octocat', email: null, emailVerified: false },
    },
  ]
  for (const { title, run } of providerContract(github(credentials), people)) it(title, run)
})

describe('bitbucket()', () => {
  const people = [
    {
      title: 'a person',
      source: 'https://developer.atlassian.com/cloud/bitbucket/rest/api-group-users/',
      responses: {
        user: {
          body: {
            type: 'user',
            uuid: '{a1e7c0de-0001-4a01-8a01-000000000001}',
            display_name: 'Ada Test',
            account_id: '1:2',
            nickname: 'ada',
            links: { avatar: { href: 'https://avatar.example/a' } },
          },
        },
        emails: {
          body: { values: [{ email: 'ada@example.com', is_primary: true, is_confirmed: true }] },
        },
      },
      profile: { name: 'Ada Test', email: 'ada@example.com', emailVerified: true },
    },
  ]
  for (const { title, run } of providerContract(bitbucket(credentials), people)) it(title, run)
})
