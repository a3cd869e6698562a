import { type BitbucketEmulator, startBitbucketEmulator } from '@latchkey/bitbucket-emulator'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createBrowser } from '../testing/browser.ts'
import { buildWatchedApp, countExchanges } from '../testing/refusal.ts'

/** A provider that checks PKCE. */
let emulator: BitbucketEmulator
beforeAll(async () => {
  emulator = await startBitbucketEmulator({ pkce: 'enforce' })
})
afterEach(() => emulator.reset())
afterAll(() => emulator.close())

/** Sends a callback as a browser would, with one parameter changed. */
function withParameter(path: string, name: string, value: string): string {
  const url = new URL(path, 'http://localhost:3000')
  url.searchParams.set(name, value)
  return url.pathname + url.search
}

const codeOf = (callback: string): string =>
  new URL(callback, 'http://localhost:3000').searchParams.get('code') ?? ''

describe('a stolen code', () => {
  it('in the thief’s own flow is rejected, because the verifier differs', async () => {
    const { app, expectRefused } = await buildWatchedApp(emulator)
    const victim = createBrowser(app)
    const thief = createBrowser(app)
    const stolen = codeOf(await victim.consent(await victim.start(), { user: 'ada' }))
    const own = await thief.consent(await thief.start(), { user: 'ben' })
    const forged = withParameter(own, 'code', stolen)
    await expectRefused('provider_refused', () => thief.get(forged), 1)
    expect((await thief.get('/auth/session')).json()).toEqual({ user: null, session: null })
    // The code was rejected because of the verifier: a code that is used with the right verifier is accepted.
    expect((await victim.signIn('ada')).headers.location).toBe('/')
  })

  it('in a flow without consent is rejected as well', async () => {
    const { app, expectRefused } = await buildWatchedApp(emulator)
    const victim = createBrowser(app)
    const thief = createBrowser(app)
    const stolen = codeOf(await victim.consent(await victim.start(), { user: 'ada' }))
    const state = new URL(await thief.start()).searchParams.get('state')
    const forged = `/auth/bitbucket/callback?code=${stolen}&state=${state}`
    await expectRefused('provider_refused', () => thief.get(forged), 1)
  })
})

describe('a challenge that an attacker removes on the way to the provider', () => {
  it('leads to a worthless code, because the verifier is still sent', async () => {
    const { app, expectRefused } = await buildWatchedApp(emulator)
    const browser = createBrowser(app)
    const url = new URL(await browser.start())
    url.searchParams.delete('code_challenge')
    url.searchParams.delete('code_challenge_method')
    const callback = await browser.consent(url.href, { user: 'ada' })
    await expectRefused('provider_refused', () => browser.get(callback), 1)
    const [exchange] = emulator.requests.filter(({ path }) => path.endsWith('/access_token'))
    expect(exchange?.body).toMatchObject({ code_verifier: expect.stringMatching(/^[\w-]{43}$/) })
  })

  it('or changes to a plain one leads to no code', async () => {
    const { app, expectRefused } = await buildWatchedApp(emulator)
    const browser = createBrowser(app)
    const url = new URL(await browser.start())
    url.searchParams.set('code_challenge_method', 'plain')
    const answer = await fetch(url, { redirect: 'manual' })
    const { pathname, search } = new URL(answer.headers.get('location') ?? '')
    await expectRefused('provider_refused', () => browser.get(pathname + search))
    expect(countExchanges(emulator)).toBe(0)
  })
})
