import { describe, expect, it } from 'vitest'
import { gitlab } from '../index.ts'
import { buildApp } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'
import { type KnownPerson, providerContract } from './provider-contract.ts'

const credentials = { clientId: 'a-client', clientSecret: 'a-client-secret' }
const url = 'https://gitlab.example.com'

const source =
  'https://docs.gitlab.com/api/users/, and gitlabhq/gitlabhq, lib/api/entities/user_public.rb at 0653e08efd039a5905f3fa4f6e9cef9f5d2f799c'
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

const people: KnownPerson[] = [
  {
    title: 'the person of the documentation, whose picture is not at https',
    source,
    responses: one({}),
    profile: {
      subject: '1',
      name: 'John Smith',
      email: 'john@example.com',
      emailVerified: true,
      avatarUrl: null,
      active: true,
      attributes: { username: 'john_smith' },
    },
  },
  {
    title: 'a person without a picture, where Gravatar is off',
    source: 'https://docs.gitlab.com/api/avatar/',
    responses: one({ avatar_url: null }),
    profile: { avatarUrl: null },
  },
  {
    title: 'a person with an empty name, whose username takes its place',
    source,
    responses: one({ name: '' }),
    profile: { name: 'john_smith' },
  },
  {
    title: 'a person who has not confirmed their address',
    source,
    responses: one({ confirmed_at: null }),
    profile: { email: 'john@example.com', emailVerified: false },
  },
  ...['blocked', 'banned', 'deactivated', 'ldap_blocked', 'blocked_pending_approval'].map(
    (state) => ({
      title: `a person in the state ${state}`,
      source: 'https://docs.gitlab.com/administration/moderate_users/',
      responses: one({ state }),
      profile: { active: false },
    }),
  ),
  {
    title: 'a person whose account is locked after failed sign-ins',
    source: 'https://docs.gitlab.com/security/unlock_user/',
    responses: one({ locked: true }),
    profile: { active: false },
  },
  {
    title: 'a response without a state, which does not prove that the account is active',
    source:
      'supabase/auth, internal/api/external_gitlab_test.go at bc32168e13fdc928c98b449fc76bc3fdb9a293c5',
    responses: {
      user: {
        body: {
          id: 123,
          email: 'gitlab@example.com',
          name: 'GitLab Test',
          avatar_url: 'http://example.com/avatar',
          confirmed_at: '2012-05-23T09:05:22Z',
        },
      },
    },
    profile: { subject: '123', active: false },
  },
  {
    title: 'a username in place of the id, which could move to another person',
    source,
    responses: one({ id: 'john_smith' }),
    refused: 'provider_bad_answer',
  },
]

for (const { title, run } of providerContract(gitlab(credentials), people)) it(title, run)

describe('a self-managed GitLab', () => {
  const person = { title: 'a person', source, responses: one({}) }

  for (const { title, run } of providerContract(gitlab({ ...credentials, url }), [
    {
      ...person,
      title: 'a person whose confirmed address does not count as verified',
      profile: { subject: '1', emailVerified: false },
    },
  ]))
    it(title, run)

  for (const { title, run } of providerContract(
    gitlab({ ...credentials, url, vouchesForEmail: true }),
    [
      {
        ...person,
        title: 'a person whose address counts because the application says so',
        profile: { subject: '1', emailVerified: true },
      },
    ],
  ))
    it(`that verifies addresses ${title}`, run)

  it('is reached at its own URL, which may have a path', () => {
    const { authorize, token, steps } = gitlab({ ...credentials, url: `${url}/gitlab/` })
    expect([authorize, token, steps.user?.url]).toEqual([
      `${url}/gitlab/oauth/authorize`,
      `${url}/gitlab/oauth/token`,
      `${url}/gitlab/api/v4/user`,
    ])
  })
})

it('sends the scope, PKCE and the callback to GitLab', async () => {
  const app = await buildApp({ url: '' }, { providers: [gitlab(credentials)] })
  const { headers } = await createBrowser(app).get('/auth/gitlab/start')
  const sent = new URL(String(headers.location))
  expect(sent.origin + sent.pathname).toBe('https://gitlab.com/oauth/authorize')
  expect(Object.fromEntries(sent.searchParams)).toMatchObject({
    client_id: 'a-client',
    response_type: 'code',
    scope: 'read_user',
    redirect_uri: 'http://localhost:3000/auth/gitlab/callback',
    code_challenge_method: 'S256',
    state: expect.stringMatching(/./),
  })
})

it.each(['gitlab.example.com', 'https://gitlab.example.com/?x', 'ftp://gitlab.example.com'])(
  'rejects the url %s',
  (bad) => {
    const act = (): unknown => gitlab({ url: bad })
    expect(act).toThrow(/^gitlab\(\): `url` must be the URL of your server/)
    expect(act).not.toThrow(bad)
  },
)

it('suggests the option that was probably meant', () => {
  expect(() => gitlab({ vouchForEmail: true } as object)).toThrow(
    /^gitlab\(\): there is no option `vouchForEmail`\. Did you mean `vouchesForEmail`\?/,
  )
})
