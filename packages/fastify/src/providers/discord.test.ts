import { expect, it } from 'vitest'
import { discord } from '../index.ts'
import { buildApp } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'
import { type KnownPerson, providerContract } from './provider-contract.ts'

const credentials = { clientId: 'a-client', clientSecret: 'a-client-secret' }

const example = 'https://docs.discord.com/developers/resources/user#user-object-example-user'
const structure = 'https://docs.discord.com/developers/resources/user#user-object-user-structure'
const user = {
  id: '80351110224678912',
  username: 'Nelly',
  discriminator: '1337',
  avatar: '8342729096ea3675442027381ff50dfe',
  verified: true,
  email: 'nelly@discord.com',
}
const answer = (changed: object): KnownPerson['responses'] => ({
  user: { body: { ...user, ...changed } },
})

const people: KnownPerson[] = [
  {
    title: 'the person of the documentation',
    source: example,
    responses: answer({}),
    profile: {
      subject: '80351110224678912',
      // The example has no `global_name`, and a missing field must not replace a stored name.
      name: undefined,
      email: 'nelly@discord.com',
      emailVerified: true,
      avatarUrl:
        'https://cdn.discordapp.com/avatars/80351110224678912/8342729096ea3675442027381ff50dfe.png',
      active: true,
      attributes: { username: 'Nelly' },
    },
  },
  {
    title: 'a person with a display name',
    source: structure,
    responses: answer({ global_name: 'Ada Test' }),
    profile: { name: 'Ada Test', attributes: { username: 'Nelly' } },
  },
  {
    title: 'a person without a display name by their username',
    source: structure,
    responses: answer({ global_name: null }),
    profile: { name: 'Nelly' },
  },
  {
    title: 'a person without a picture',
    source: structure,
    responses: answer({ avatar: null }),
    profile: { avatarUrl: null },
  },
  {
    title: 'an animated picture as a still one',
    source: 'https://docs.discord.com/developers/reference#image-formatting',
    responses: answer({ avatar: 'a_8342729096ea3675442027381ff50dfe' }),
    profile: {
      avatarUrl:
        'https://cdn.discordapp.com/avatars/80351110224678912/a_8342729096ea3675442027381ff50dfe.png',
    },
  },
  {
    title: 'an address that is not verified',
    source: structure,
    responses: answer({ verified: false }),
    profile: { email: 'nelly@discord.com', emailVerified: false },
  },
  {
    title: 'a person without an address, whose `verified` means nothing',
    source: structure,
    responses: answer({ email: null }),
    profile: { email: null, emailVerified: false },
  },
  {
    title: 'a person who did not grant the scope `email`',
    source: structure,
    responses: { user: { body: { id: user.id, username: user.username, avatar: null } } },
    profile: { email: undefined, emailVerified: false },
  },
  {
    title: 'an id that is a number, whose last digits JSON has already rounded',
    source: structure,
    responses: { user: { body: { ...user, id: 80351110224678912 } } },
    refused: 'provider_bad_answer',
  },
]

for (const { title, run } of providerContract(discord(credentials), people)) it(title, run)

it('cannot be sent to another path by the hash of a picture', () => {
  const { avatarUrl } = discord(credentials).profile({
    user: { ...user, avatar: '../../embed/avatars/0' },
    claims: {},
    posted: {},
  } as never)
  expect(avatarUrl).toBe(
    'https://cdn.discordapp.com/avatars/80351110224678912/..%2F..%2Fembed%2Favatars%2F0.png',
  )
})

it('compares the `iss` that Discord sends in the callback', () => {
  expect(discord(credentials).issuer).toBe('https://discord.com')
})

it('redirects to Discord with the two scopes and PKCE', async () => {
  const app = await buildApp({ url: '' }, { providers: [discord(credentials)] })
  const { headers } = await createBrowser(app).get('/auth/discord/start')
  const url = new URL(String(headers.location))
  expect(url.origin + url.pathname).toBe('https://discord.com/oauth2/authorize')
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    client_id: 'a-client',
    response_type: 'code',
    scope: 'identify email',
    redirect_uri: 'http://localhost:3000/auth/discord/callback',
    code_challenge_method: 'S256',
    state: expect.stringMatching(/./),
  })
})

it('suggests the option that was meant', () => {
  expect(() => discord({ ...credentials, clientID: 'x' } as object)).toThrow(
    'discord(): there is no option `clientID`. Did you mean `clientId`?',
  )
})
