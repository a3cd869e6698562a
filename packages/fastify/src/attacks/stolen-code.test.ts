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

/** A callback as a browser would send it, with one parameter changed. */
function withParameter(path: string, name: string, value: string): string {
  const url = new URL(path, 'http://localhost:3000')
  url.searchParams.set(name, value)
  return url.pathname + url.search
}

const codeOf = (callback: string): string =>
  new URL(callback, 'http://localhost:3000').searchParams.get('code') ?? ''

describe('a code stolen on its way back', () => {
  it('put into a flow of the thief’s own is refused, for the verifier is another', async () => {
    const { app, expectRefused } = await buildWatchedApp(emulator)
    const victim = createBrowser(app)
    const thief = createBrowser(app)
    const stolen = codeOf(await victim.consent(await victim.start(), { user: 'ada' }))
    const own = await thief.consent(await thief.start(), { user: 'ben' })
    const forged = withParameter(own, 'code', stolen)
    await expectRefused('provider_refused', () => thief.get(forged), 1)
    expect((await thief.get('/auth/session')).json()).toEqual({ user: null, session: null })
    // It is the code that was refused: an honest one is not.
    expect((await victim.signIn('ada')).headers.location).toBe('/')
  })

  it('put into a flow for which nobody was asked for consent is refused as well', async () => {
    const { app, expectRefused } = await buildWatchedApp(emulator)
    const victim = createBrowser(app)
    const thief = createBrowser(app)
    const stolen = codeOf(await victim.consent(await victim.start(), { user: 'ada' }))
    const state = new URL(await thief.start()).searchParams.get('state')
    const forged = `/auth/bitbucket/callback?code=${stolen}&state=${state}`
    await expectRefused('provider_refused', () => thief.get(forged), 1)
  })
})

describe('a challenge that somebody takes out of the way to the provider', () => {
  it('leaves a code that is worth nothing, since the verifier is sent all the same', async () => {
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

  it('or made a plain one, never comes to a code', async () => {
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
