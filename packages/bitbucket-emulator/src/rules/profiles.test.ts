import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { type BitbucketEmulator, startBitbucketEmulator } from '../emulator.ts'
import type { EmulatorOptions } from '../options.ts'
import {
  approve,
  askConsent,
  callback,
  getApi,
  getTokens,
  ordinary,
  postToken,
  readJson,
  signIn,
  type TokenBody,
} from '../testing/client.ts'

let emulator: BitbucketEmulator
let url: string

async function start(options: EmulatorOptions): Promise<void> {
  emulator = await startBitbucketEmulator(options)
  url = emulator.url
}

afterEach(() => emulator.close())

const tokenIsInvalid = 'Token is invalid, expired, or not supported for this endpoint.'
const profiles = ['2026', 'legacy'] as const

async function messageOf(response: Response): Promise<string> {
  expect(response.status).toBe(401)
  const { error } = await readJson<{ error: { message: string } }>(response)
  return error.message
}

it('legacy returns `scopes` and short opaque tokens', async () => {
  await start({ profile: 'legacy' })
  const code = await approve(url, 'ada')
  const form = { grant_type: 'authorization_code', redirect_uri: callback, code }
  const body = await readJson<TokenBody>(await postToken(url, form))
  expect(body).toEqual({
    scopes: 'account email',
    access_token: expect.stringMatching(/^[\w-]{80}$/),
    expires_in: 7200,
    token_type: 'bearer',
    state: 'authorization_code',
    refresh_token: expect.stringMatching(/^[\w-]{80}$/),
  })
})

describe('an access token', () => {
  const request = async (where: 'query' | 'form') => {
    const access_token = await signIn(url, 'ada')
    return where === 'query'
      ? fetch(`${url}/2.0/user/emails?access_token=${access_token}&pagelen=5`)
      : getWithForm(`${url}/2.0/user`, { access_token })
  }

  it.each(['query', 'form'] as const)(
    'in the %s is accepted only in the legacy profile',
    async (where) => {
      await start({ profile: 'legacy' })
      expect((await request(where)).status).toBe(200)
      await emulator.close()
      await start({ profile: '2026' })
      expect(await messageOf(await request(where))).toBe(tokenIsInvalid)
    },
  )

  it('in the query is left out of the links to other pages', async () => {
    await start({ profile: 'legacy' })
    const token = await signIn(url, 'many-emails')
    const answer = await fetch(`${url}/2.0/user/emails?access_token=${token}`)
    const { next } = await readJson<{ next: string }>(answer)
    expect(next).toBe(`${url}/2.0/user/emails?page=2`)
  })

  it('has separate errors for expired and unknown tokens only in the legacy profile', async () => {
    await start({ profile: 'legacy' })
    const messages = async () => {
      const token = await signIn(url, 'ada')
      emulator.advance(7200 * 1000)
      return [
        await messageOf(await getApi(url, '/2.0/user', token)),
        await messageOf(await getApi(url, '/2.0/user', 'made-up')),
      ]
    }
    expect(await messages()).toEqual([
      'Access token expired. Use your refresh token to obtain a new access token.',
      'Token is invalid or not supported for this endpoint.',
    ])
    await emulator.close()
    await start({ profile: '2026' })
    expect(await messages()).toEqual([tokenIsInvalid, tokenIsInvalid])
  })
})

describe('client_credentials', () => {
  const seed = {
    workspaces: [
      { slug: 'first', owners: ['ada'] },
      { slug: 'owning', owners: ['ben', 'no-email'], members: ['ada'] },
    ],
    consumers: [
      {
        clientId: 'private',
        clientSecret: 's',
        callbackUrl: callback,
        isPrivate: true,
        workspace: 'owning',
      },
      { clientId: 'public', clientSecret: 's', callbackUrl: callback },
      { clientId: 'bare', clientSecret: 's', isPrivate: true },
    ],
  }
  const ask = (client: string) =>
    postToken(
      url,
      { grant_type: 'client_credentials' },
      { authorization: `Basic ${btoa(`${client}:s`)}` },
    )

  it('sign a private client in as an app user in 2026, without a refresh token', async () => {
    await start({ profile: '2026', seed })
    const body = await readJson<TokenBody>(await ask('private'))
    expect(body).toEqual({
      scope: 'account email',
      access_token: expect.any(String),
      expires_in: 7200,
      token_type: 'bearer',
      state: 'client_credentials',
    })
    const user = await readJson(await getApi(url, '/2.0/user', body.access_token))
    expect(user).toMatchObject({
      type: 'app_user',
      display_name: 'private',
      account_status: 'active',
      created_on: expect.any(String),
      links: { self: { href: expect.any(String) }, avatar: { href: expect.any(String) } },
      uuid: expect.stringMatching(
        /^\{[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}\}$/,
      ),
    })
    const emails = await readJson(await getApi(url, '/2.0/user/emails', body.access_token))
    expect(emails).toMatchObject({ size: 0, values: [] })
    const one = await getApi(url, '/2.0/user/emails/ada@example.com', body.access_token)
    expect(one.status).toBe(404)
    const workspaces = await readJson(await getApi(url, '/2.0/user/workspaces', body.access_token))
    expect(workspaces).toMatchObject({
      size: 1,
      values: [{ administrator: false, workspace: { slug: 'owning' } }],
    })
  })

  it('sign a private client in as its owner in legacy, with a refresh token', async () => {
    await start({ profile: 'legacy', seed })
    const body = await readJson<TokenBody>(await ask('private'))
    expect(body).toMatchObject({ state: 'client_credentials', refresh_token: expect.any(String) })
    const user = await readJson(await getApi(url, '/2.0/user', body.access_token))
    expect(user).toMatchObject({ type: 'user', nickname: 'ben' })
  })

  it.each(profiles)('are rejected for a public client in %s', async (profile) => {
    await start({ profile, seed })
    const answer = await ask('public')
    expect(answer.status).toBe(400)
    expect(await answer.json()).toEqual({
      error: 'invalid_grant',
      error_description:
        'Cannot use client_credentials with a consumer marked as "public". Calls for auto generated consumers should use urn:bitbucket:oauth2:jwt instead.',
    })
  })

  it.each(profiles)('are rejected for a client without a callback in %s', async (profile) => {
    await start({ profile, seed })
    const answer = await ask('bare')
    expect(answer.status).toBe(400)
    expect(await answer.json()).toEqual({
      error: 'invalid_request',
      error_description: 'No callback uri defined for the OAuth client.',
    })
  })
})

it.each([
  ['2026', 'client'],
  ['legacy', 'consumer'],
] as const)('%s calls a registered client a %s', async (profile, word) => {
  await start({ profile })
  const wrong = await askConsent(url, { ...ordinary, redirect_uri: 'https://elsewhere.example/' })
  expect(await wrong.text()).toContain(`In this emulator, the ${word} latchkey-dev `)
  const unknown = await askConsent(url, { ...ordinary, client_id: 'nobody' })
  expect(await unknown.text()).toContain(`This emulator has these ${word}s: latchkey-dev.`)
})

it.each(profiles)('%s is the same in every other respect', async (profile) => {
  await start({ profile })
  const { access_token } = await getTokens(url, 'many-emails')
  const user = await getApi(url, '/2.0/user', access_token)
  expect(user.headers.get('x-oauth-scopes')).toBe('account, email')
  expect(await user.json()).toMatchObject({ nickname: 'many-emails', type: 'user' })
  const emails = await getApi(url, '/2.0/user/emails', access_token)
  expect(await emails.json()).toMatchObject({ page: 1, pagelen: 10, size: 30 })
})

/** Sends a GET request with a body, as old clients did. `fetch` cannot. */
async function getWithForm(target: string, form: Record<string, string>): Promise<Response> {
  const body = new URLSearchParams(form).toString()
  const sent = httpRequest(target, {
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': body.length,
    },
  })
  sent.end(body)
  const [answer] = await once(sent, 'response')
  return new Response(await text(answer), { status: answer.statusCode })
}
