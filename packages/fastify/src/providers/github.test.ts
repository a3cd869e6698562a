import { expect, it } from 'vitest'
import { github } from '../index.ts'
import { buildApp } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'
import { type KnownPerson, providerContract } from './provider-contract.ts'

const credentials = { clientId: 'a-client', clientSecret: 'a-client-secret' }

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
const EMAILS = 'https://api.github.com/user/emails?per_page=100'
const answers = (changed: object, ...addresses: object[]): KnownPerson['responses'] => ({
  user: { body: { ...user, ...changed } },
  emails: { body: addresses },
})

const people: KnownPerson[] = [
  {
    title: 'the person of the documentation',
    source,
    responses: answers({}, address),
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
    title: 'a person without a name, whose login takes its place',
    source:
      'https://docs.github.com/rest/users/users#get-the-authenticated-user: `name` is nullable',
    responses: answers({ name: null }, address),
    profile: { subject: '1', name: 'octocat' },
  },
  {
    title: 'a person who keeps their address private, from the list of addresses',
    source:
      'https://docs.github.com/rest/users/users#get-the-authenticated-user: `email` is nullable, and `visibility` of an address is too',
    responses: answers({ email: null }, { ...address, visibility: null }),
    profile: { email: 'octocat@github.com', emailVerified: true },
  },
  {
    title: 'a person whose public address is not the primary one',
    source,
    responses: answers(
      { email: 'public@example.com' },
      { ...address, email: 'public@example.com', primary: false },
      { ...address, email: 'ada@example.com', visibility: 'private' },
    ),
    profile: { email: 'ada@example.com', emailVerified: true },
  },
  {
    title: 'a person whose primary address is on the second page',
    source:
      'https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api#using-link-headers',
    responses: {
      ...answers({}),
      emails: [
        {
          headers: {
            link: `<${EMAILS}&page=2>; rel="next", <${EMAILS}&page=2>; rel="last"`,
          },
          body: [{ ...address, email: 'public@example.com', primary: false }],
        },
        {
          headers: { link: `<${EMAILS}&page=1>; rel="prev", <${EMAILS}&page=1>; rel="first"` },
          body: [{ ...address, email: 'ada@example.com', visibility: 'private' }],
        },
      ],
    },
    profile: { email: 'ada@example.com', emailVerified: true },
  },
  {
    title: 'a person without a primary address on any page',
    source:
      'https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api#using-link-headers',
    responses: {
      ...answers({}),
      emails: [
        {
          headers: { link: `<${EMAILS}&page=2>; rel="next"` },
          body: [{ ...address, primary: false }],
        },
        { body: [{ ...address, email: 'ada@example.com', primary: false }] },
      ],
    },
    profile: { email: null, emailVerified: false },
  },
  {
    title: 'a person whose primary address is not verified, although another one is',
    source,
    responses: answers(
      {},
      { ...address, verified: false },
      { ...address, email: 'ada@example.com', primary: false },
    ),
    profile: { email: null, emailVerified: false },
  },
  {
    title: 'a person whose GitHub App may not read addresses, which keeps the stored one',
    source:
      'https://docs.github.com/rest/users/emails#list-email-addresses-for-the-authenticated-user: status 403',
    responses: {
      ...answers({}),
      emails: { status: 403, body: { message: 'Resource not accessible by integration' } },
    },
    profile: { subject: '1', email: undefined, emailVerified: false },
  },
  {
    title: 'a person who is suspended on an Enterprise Server',
    source: 'https://docs.github.com/enterprise-server/rest/users/users#get-the-authenticated-user',
    responses: answers({ suspended_at: '2026-01-01T00:00:00Z' }, address),
    profile: { active: false },
  },
  {
    title: 'a person who is not suspended on an Enterprise Server',
    source: 'https://docs.github.com/enterprise-server/rest/users/users#get-the-authenticated-user',
    responses: answers({ suspended_at: null }, address),
    profile: { active: true },
  },
  {
    title: 'a login in place of the id, which could move to another person',
    source,
    responses: answers({ id: 'octocat' }, address),
    refused: 'provider_bad_answer',
  },
]

for (const { title, run } of providerContract(github(credentials), people)) it(title, run)

it.each([
  ['github.com', undefined, 'https://github.com', 'https://api.github.com'],
  [
    'an Enterprise Server',
    'https://git.example.com/',
    'https://git.example.com',
    'https://git.example.com/api/v3',
  ],
  [
    'an enterprise at GHE.com',
    'https://example.ghe.com',
    'https://example.ghe.com',
    'https://api.example.ghe.com',
  ],
])('uses the endpoints of %s', (_what, url, site, api) => {
  const { authorize, token, steps } = github({ ...credentials, url })
  expect([authorize, token, steps.user?.url, steps.emails?.url]).toEqual([
    `${site}/login/oauth/authorize`,
    `${site}/login/oauth/access_token`,
    `${api}/user`,
    `${api}/user/emails?per_page=100`,
  ])
})

it('compares the issuer of a callback for github.com alone, because other servers announce a wrong one', () => {
  expect(github(credentials).issuer).toBe('https://github.com/login/oauth')
  expect(github({ ...credentials, url: 'https://git.example.com' }).issuer).toBeUndefined()
  expect(github({ ...credentials, url: 'https://example.ghe.com' }).issuer).toBeUndefined()
})

it('asks for the media type and the version of the API', () => {
  for (const { headers } of Object.values(github(credentials).steps)) {
    expect(headers).toEqual({
      accept: 'application/vnd.github+json',
      'x-github-api-version': '2022-11-28',
    })
  }
})

it('sends additional parameters, but none that Latchkey sets itself', async () => {
  const authorizeParameters = { allow_signup: 'false', prompt: 'select_account' }
  const providers = [github({ ...credentials, authorizeParameters })]
  const app = await buildApp({ url: '' }, { providers })
  const { headers } = await createBrowser(app).get('/auth/github/start')
  const sent = new URL(String(headers.location)).searchParams
  expect(Object.fromEntries(sent)).toMatchObject(authorizeParameters)
  for (const name of ['state', 'redirect_uri', 'client_id', 'code_challenge', 'scope', 'nonce']) {
    expect(() => github({ authorizeParameters: { [name]: 'x' } })).toThrow(
      'Provider `github`: `authorizeParameters` must be an object of strings, without client_id',
    )
  }
})

it('sends the scopes, PKCE and the callback to GitHub', async () => {
  const app = await buildApp({ url: '' }, { providers: [github(credentials)] })
  const { headers } = await createBrowser(app).get('/auth/github/start')
  const url = new URL(String(headers.location))
  expect(url.origin + url.pathname).toBe('https://github.com/login/oauth/authorize')
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    client_id: 'a-client',
    response_type: 'code',
    scope: 'read:user user:email',
    redirect_uri: 'http://localhost:3000/auth/github/callback',
    code_challenge_method: 'S256',
    state: expect.stringMatching(/./),
  })
})

it.each([
  'code.example.com',
  'https://git.example.com/?x',
  'ftp://git.example.com',
  'https://a:b@c',
])('rejects the url %s', (url) => {
  const act = (): unknown => github({ url })
  expect(act).toThrow(/^github\(\): `url` must be the URL of your server/)
  expect(act).not.toThrow(url)
})

it('suggests the option that was probably meant', () => {
  expect(() => github({ clientID: 'a-client' } as object)).toThrow(
    /^github\(\): there is no option `clientID`\. Did you mean `clientId`\?/,
  )
})
