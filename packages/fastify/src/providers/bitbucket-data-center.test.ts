import { expect, it } from 'vitest'
import { bitbucketDataCenter } from '../index.ts'
import { buildApp } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'
import { type KnownPerson, providerContract } from './provider-contract.ts'

const url = 'https://bitbucket.example.com/context'
const options = { clientId: 'a-client', clientSecret: 'a-client-secret', url }

const source =
  'https://developer.atlassian.com/server/bitbucket/rest/v906/api-group-system-maintenance/#api-api-latest-users-get and, for the header, https://github.com/eclipse-che/che-server/pull/790'
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

/** The answers about a person with this header, and a list of people. */
const answers = (header: string | undefined, ...values: object[]): KnownPerson['responses'] => ({
  username: {
    ...(header !== undefined && { headers: { 'x-ausername': header } }),
    body: { version: '9.6.0', buildNumber: '9006000', displayName: 'Bitbucket' },
  },
  users: { body: { values } },
})

const people: KnownPerson[] = [
  {
    title: 'the person of the documentation, although the name of another begins like theirs',
    source,
    responses: answers('jcitizen', other, jane),
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
    title: 'a name that the header encodes, and that differs from the slug',
    source: 'https://github.com/OpenHands/OpenHands/pull/14734',
    responses: answers('ada%40example.com', {
      ...jane,
      name: 'ada@example.com',
      slug: 'ada_example.com',
    }),
    profile: { attributes: { username: 'ada@example.com', slug: 'ada_example.com' } },
  },
  {
    title: 'a name that looks encoded as somebody else',
    source: 'https://github.com/OpenHands/OpenHands/pull/14734',
    responses: answers('ada%40example.com', { ...jane, name: 'ada%40example.com' }),
    refused: 'provider_bad_answer',
  },
  {
    title: 'a person without a display name by their username',
    source,
    responses: answers('jcitizen', { ...jane, displayName: null }),
    profile: { name: 'jcitizen' },
  },
  {
    title: 'a person without an address',
    source,
    responses: answers('jcitizen', { ...jane, emailAddress: null }),
    profile: { email: null, emailVerified: false },
  },
  {
    title: 'a deactivated person',
    source,
    responses: answers('jcitizen', { ...jane, active: false }),
    profile: { active: false },
  },
  {
    title: 'a person who is not in the list',
    source,
    responses: answers('jcitizen', other),
    refused: 'provider_bad_answer',
  },
  {
    title: 'nobody, because a proxy removes the header',
    source,
    responses: answers(undefined, { ...jane, name: '' }),
    refused: 'provider_bad_answer',
  },
  {
    title: 'nobody from a header that could mean a space or a plus sign',
    source: 'https://github.com/OpenHands/OpenHands/pull/14734',
    responses: answers('ada+test', { ...jane, name: 'ada+test' }, { ...jane, name: 'ada test' }),
    refused: 'provider_bad_answer',
  },
  {
    title: 'nobody from a malformed header',
    source: 'https://github.com/OpenHands/OpenHands/pull/14734',
    responses: answers('%ff', jane),
    refused: 'provider_bad_answer',
  },
]

for (const { title, run } of providerContract(bitbucketDataCenter(options), people)) it(title, run)

it('reaches a server below a path', () => {
  const { authorize, token, steps } = bitbucketDataCenter({ ...options, url: `${url}/` })
  expect([authorize, token, steps.username?.url]).toEqual([
    'https://bitbucket.example.com/context/rest/oauth2/latest/authorize',
    'https://bitbucket.example.com/context/rest/oauth2/latest/token',
    'https://bitbucket.example.com/context/rest/api/latest/application-properties',
  ])
})

it('encodes the name in the URL of the list', () => {
  const { url: users } = bitbucketDataCenter(options).steps.users ?? {}
  if (typeof users !== 'function') throw new Error('the URL is fixed')
  expect(users({ username: 'a%26limit%3D1' })).toBe(
    'https://bitbucket.example.com/context/rest/api/latest/users?limit=500&filter=a%26limit%3D1',
  )
})

it('redirects to the server with one scope and PKCE', async () => {
  const app = await buildApp({ url: '' }, { providers: [bitbucketDataCenter(options)] })
  const { headers } = await createBrowser(app).get('/auth/bitbucket-data-center/start')
  const start = new URL(String(headers.location))
  expect(start.origin + start.pathname).toBe(
    'https://bitbucket.example.com/context/rest/oauth2/latest/authorize',
  )
  expect(Object.fromEntries(start.searchParams)).toMatchObject({
    client_id: 'a-client',
    response_type: 'code',
    scope: 'PUBLIC_REPOS',
    redirect_uri: 'http://localhost:3000/auth/bitbucket-data-center/callback',
    code_challenge_method: 'S256',
    state: expect.stringMatching(/./),
  })
})

it.each([undefined, ''])('needs the URL of the server: %j', (missing) => {
  expect(() => bitbucketDataCenter({ ...options, url: missing })).toThrow(
    "bitbucketDataCenter(): `url` is missing. Pass the URL of your server, such as 'https://git.example.com'.",
  )
})

it.each([
  'bitbucket.example.com',
  'https://bitbucket.example.com/?x',
  'https://bitbucket.example.com/#x',
  'ftp://bitbucket.example.com',
  'https://ada:canary@bitbucket.example.com',
])('rejects the url %s without quoting it', (wrong) => {
  const act = (): unknown => bitbucketDataCenter({ ...options, url: wrong })
  expect(act).toThrow(/^bitbucketDataCenter\(\): `url` must be the URL of your server/)
  expect(act).not.toThrow(/canary/)
})

it('suggests the option that was meant', () => {
  expect(() => bitbucketDataCenter({ ...options, uri: 'x' } as never)).toThrow(
    'bitbucketDataCenter(): there is no option `uri`. Did you mean `url`?',
  )
})
