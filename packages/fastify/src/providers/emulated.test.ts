import { type ProviderEmulator, startProviderEmulator } from '@latchkey/provider-emulator'
import type { LightMyRequestResponse } from 'fastify'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  apple,
  atlassian,
  bitbucketDataCenter,
  defineProvider,
  discord,
  github,
  gitlab,
  google,
  linkedin,
  microsoft,
  oidc,
  type Provider,
  read,
  slack,
} from '../index.ts'
import { buildApp } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'
import { consentAt } from '../testing/emulated-consent.ts'

let emulator: ProviderEmulator
beforeAll(async () => {
  emulator = await startProviderEmulator()
})
afterAll(() => emulator.close())

async function browserFor(...providers: Provider[]): Promise<Browser> {
  const app = await buildApp(
    { url: '' },
    { providers: providers.map((one) => emulator.emulate(one)) },
  )
  return createBrowser(app)
}

type Press = Parameters<typeof consentAt>[1]

async function callBack(
  browser: Browser,
  id: string,
  press: Press,
): Promise<LightMyRequestResponse> {
  const { headers } = await browser.get(`/auth/${id}/start`)
  const { path, form } = await consentAt(String(headers.location), press)
  if (form === null) return browser.get(path)
  const posted = await browser.postForm(path, form)
  return browser.get(String(posted.headers.location))
}

async function signIn(browser: Browser, id: string, user: string): Promise<unknown> {
  const { headers } = await callBack(browser, id, { user })
  if (headers.location !== '/') return headers.location
  return (await browser.get('/auth/session')).json().user
}

const dataCenter = bitbucketDataCenter({ url: 'https://bitbucket.example.com/context' })

describe('without credentials, an emulated sign-in works', () => {
  it.each([
    [apple(), true],
    [atlassian(), false],
    [dataCenter, false],
    [discord(), true],
    [github(), true],
    [github({ id: 'git', url: 'https://git.example.com' }), true],
    [gitlab(), true],
    [google(), true],
    [linkedin(), true],
    [microsoft(), false],
    [microsoft({ id: 'work', tenants: ['9122040d-6c67-4c5b-b112-36a304b66dad'] }), false],
    [slack(), false],
  ])('with $id', async (provider, emailVerified) => {
    const browser = await browserFor(provider)
    const user = { name: 'Ada Test', email: 'ada@example.com', emailVerified }
    expect(await signIn(browser, provider.id, 'ada')).toMatchObject(user)
  })
})

describe('an emulated provider has people for unusual cases:', () => {
  it.each([
    [github(), 'no-email', { name: 'Cleo Test', email: null }],
    [github(), 'unverified', { name: 'Dan Test', email: null }],
    [google(), 'unverified', { email: 'dan@example.com', emailVerified: false }],
    [microsoft(), 'no-email', { name: 'Cleo Test', email: null }],
    [discord(), 'no-email', { name: 'Cleo Test', email: null }],
    [apple(), 'hidden', { email: 'hidden@privaterelay.appleid.com', emailVerified: true }],
    [linkedin(), 'no-email', { name: 'Cleo Test', email: null }],
  ])('$id has $1', async (provider, nickname, user) => {
    expect(await signIn(await browserFor(provider), provider.id, nickname)).toMatchObject(user)
  })

  it.each([gitlab(), atlassian(), dataCenter])('$id has a closed account', async (provider) => {
    expect(await signIn(await browserFor(provider), provider.id, 'closed')).toMatch(
      /auth_error=account_inactive/,
    )
  })
})

it('keeps the name that Apple sends only at the first sign-in', async () => {
  const browser = await browserFor(apple())
  await signIn(browser, 'apple', 'ada')
  expect(await signIn(browser, 'apple', 'ada')).toMatchObject({ name: 'Ada Test' })
})

it.each([github(), google(), apple()])('a person can cancel at $id', async (provider) => {
  const browser = await browserFor(provider)
  const { headers } = await callBack(browser, provider.id, { decision: 'deny' })
  expect(headers.location).toMatch(/auth_error=access_denied/)
})

it('emulates a provider of your own with its known people', async () => {
  const acme = defineProvider({
    id: 'acme',
    name: 'Acme',
    clientId: undefined,
    clientSecret: undefined,
    clientAuth: 'secret_jwt',
    authorize: 'https://id.acme.example/authorize',
    token: 'https://id.acme.example/token',
    scope: ['profile'],
    vouchesForEmail: true,
    steps: {
      me: { url: 'https://api.acme.example/me' },
      team: { url: ({ me }) => `https://api.acme.example/teams/${(me as { team: string }).team}` },
    },
    profile: ({ me, team }) => ({
      subject: read.id(me.id),
      name: read.text(me.name),
      attributes: { team: read.text(team.name) },
    }),
  })
  const ada = {
    title: 'Ada Test',
    responses: {
      me: { body: { id: 1, name: 'Ada Test', team: 'blue' } },
      team: { body: { name: 'Blue' } },
    },
  }
  const app = await buildApp({ url: '' }, { providers: [emulator.emulate(acme, [ada])] })
  expect(await signIn(createBrowser(app), 'acme', 'Ada Test')).toMatchObject({ name: 'Ada Test' })
  const requested = emulator.requests.slice(-1).map(({ path }) => path)
  expect(requested).toEqual(['/acme/https/api.acme.example/teams/blue'])
})

it('does not emulate a provider of your own without its people', () => {
  const acme = oidc({
    id: 'acme',
    name: 'Acme',
    issuer: 'https://id.acme.example',
    clientId: undefined,
  })
  expect(() => emulator.emulate(acme)).toThrow(
    'Provider `acme`: the emulator does not know this company. Pass its people as the second argument',
  )
})

it.each([github(), google()])('production rejects $id at an emulator', async (provider) => {
  vi.stubEnv('NODE_ENV', 'production')
  const providers = [emulator.emulate(provider)]
  await expect(
    buildApp({ url: '' }, { origin: 'https://app.example.com', providers }),
  ).rejects.toMatchObject({
    code: 'LATCHKEY_OPTION_INVALID',
    message: expect.stringContaining('Do not emulate it in production'),
  })
  vi.unstubAllEnvs()
})
