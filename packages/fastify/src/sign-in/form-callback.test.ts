import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defineProvider, type Provider, read } from '../index.ts'
import { buildApp } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'
import { type HostileOpenId, startHostileOpenId } from '../testing/hostile-openid.ts'

const CALLBACK = '/auth/acme/callback'
const USER = JSON.stringify({ name: { firstName: 'Ada', lastName: 'Test' } })

let acme: HostileOpenId

beforeEach(async () => {
  acme = await startHostileOpenId()
})
afterEach(() => acme.close())

function provider(responseMode: 'form_post' | 'query' = 'form_post'): Provider {
  return defineProvider({
    id: 'acme',
    name: 'Acme',
    clientId: acme.clientId,
    clientSecret: 'a-client-secret',
    openid: { issuer: acme.issuer },
    scope: ['openid', 'name'],
    ...(responseMode === 'form_post' ? { responseMode, posted: ['user'] } : { responseMode }),
    vouchesForEmail: false,
    profile: ({ claims, posted }) => ({
      subject: read.id(claims.sub),
      name: read.text(posted.user),
    }),
  })
}

/** Starts a flow, and returns its state. */
async function begin(browser: Browser): Promise<string> {
  const started = await browser.get('/auth/acme/start')
  const url = new URL(String(started.headers.location))
  expect(url.searchParams.get('response_mode')).toBe('form_post')
  // The provider signs the nonce of this flow.
  const nonce = String(url.searchParams.get('nonce'))
  acme.idToken = (claims) => acme.sign({ ...claims, nonce })
  return String(url.searchParams.get('state'))
}

async function nameIn(browser: Browser): Promise<unknown> {
  return (await browser.get('/auth/session')).json().user?.name
}

describe('a provider that posts its answer', () => {
  it('signs in, and its form fields reach the profile but no URL', async () => {
    const browser = createBrowser(await buildApp({ url: '' }, { providers: [provider()] }))
    const state = await begin(browser)
    const posted = await browser.postForm(CALLBACK, { code: 'a-code', state, user: USER })
    expect(posted.statusCode).toBe(303)
    expect(posted.headers.location).toBe(`${CALLBACK}?code=a-code&state=${state}`)
    expect(String(posted.headers['set-cookie'])).not.toContain('Ada')
    const { headers } = await browser.get(String(posted.headers.location))
    expect(headers.location).toBe('/')
    expect(await nameIn(browser)).toBe(USER)
    expect(browser.cookies()).not.toContain('posted')
  })

  it('signs in without its form fields if they are missing or too long', async () => {
    const browser = createBrowser(await buildApp({ url: '' }, { providers: [provider()] }))
    for (const user of ['', 'x'.repeat(1025)]) {
      const state = await begin(browser)
      const posted = await browser.postForm(CALLBACK, {
        code: 'a-code',
        state,
        ...(user && { user }),
      })
      expect(posted.headers['set-cookie']).toBeUndefined()
      const { headers } = await browser.get(String(posted.headers.location))
      expect(headers.location).toBe('/')
      expect(await nameIn(browser)).toBeNull()
    }
  })

  it('can report an error', async () => {
    const browser = createBrowser(await buildApp({ url: '' }, { providers: [provider()] }))
    const state = await begin(browser)
    const posted = await browser.postForm(CALLBACK, { error: 'access_denied', state })
    const { headers } = await browser.get(String(posted.headers.location))
    expect(headers.location).toBe('/auth/sign-in?auth_error=access_denied')
  })

  it('cannot lend the form fields of one flow to another', async () => {
    const browser = createBrowser(await buildApp({ url: '' }, { providers: [provider()] }))
    await browser.postForm(CALLBACK, { code: 'x', state: 'of-an-attacker', user: 'Eve Test' })
    const state = await begin(browser)
    const { headers } = await browser.get(`${CALLBACK}?code=a-code&state=${state}`)
    expect(headers.location).toBe('/')
    expect(await nameIn(browser)).toBeNull()
  })

  it('sets one cookie however many forms another site posts', async () => {
    const browser = createBrowser(await buildApp({ url: '' }, { providers: [provider()] }))
    for (let time = 0; time < 20; time++) {
      await browser.postForm(CALLBACK, { code: 'x', state: `state-${time}`, user: 'x'.repeat(900) })
    }
    expect(browser.cookies().split('; ')).toHaveLength(1)
  })

  it('cannot complete a sign-in that began in another browser', async () => {
    const app = await buildApp({ url: '' }, { providers: [provider()] })
    const state = await begin(createBrowser(app))
    const victim = createBrowser(app)
    const posted = await victim.postForm(CALLBACK, { code: 'a-code', state, user: USER })
    const { headers } = await victim.get(String(posted.headers.location))
    expect(headers.location).toBe('/auth/sign-in?auth_error=flow_missing')
    expect(acme.requests).not.toContain('POST /token')
  })
})

it('a provider that redirects accepts no form', async () => {
  const browser = createBrowser(await buildApp({ url: '' }, { providers: [provider('query')] }))
  const posted = await browser.postForm(CALLBACK, { code: 'a-code', state: 'x' })
  expect(posted.statusCode).toBe(404)
})
