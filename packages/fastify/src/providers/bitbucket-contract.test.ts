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
      title: 'a primary address on the second page',
      source:
        'https://developer.atlassian.com/cloud/bitbucket/rest/intro/#pagination, schema of a page',
      responses: {
        user: { body: user },
        emails: [
          {
            body: {
              values: [{ ...values[0], email: 'other@example.com', is_primary: false }],
              next: 'https://api.bitbucket.org/2.0/user/emails?page=2',
            },
          },
          { body: { values } },
        ],
      },
      profile: { email: 'ada@example.com', emailVerified: true },
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
