import { describe, it } from 'vitest'
import { bitbucket, type Provider } from '../index.ts'
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
  const secondary = { email: 'b@example.com', is_primary: false, is_confirmed: true }
  const page = { size: 2, pagelen: 1 }
  const SECOND_PAGE = 'https://api.bitbucket.org/2.0/user/emails?page=2'
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
      title: 'a person whose primary address is on the second page',
      source: 'https://developer.atlassian.com/cloud/bitbucket/rest/intro/#pagination',
      responses: {
        user: { body: user },
        emails: [
          { body: { ...page, page: 1, next: SECOND_PAGE, values: [secondary] } },
          { body: { ...page, page: 2, values } },
        ],
      },
      profile: { email: 'ada@example.com', emailVerified: true },
    },
    {
      title: 'a person without a primary address on any page',
      source: 'https://developer.atlassian.com/cloud/bitbucket/rest/intro/#pagination',
      responses: {
        user: { body: user },
        emails: [
          { body: { ...page, page: 1, next: SECOND_PAGE, values: [secondary] } },
          { body: { ...page, page: 2, values: [{ ...secondary, email: 'c@example.com' }] } },
        ],
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
