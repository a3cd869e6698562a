import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type BitbucketEmulator, startBitbucketEmulator } from '../emulator.ts'
import {
  approve,
  askConsent,
  callback,
  ordinary,
  postConsent,
  postToken,
  readJson,
} from '../testing/client.ts'

let emulator: BitbucketEmulator

const seed = {
  consumers: [
    { clientId: 'latchkey-dev', clientSecret: 's', callbackUrl: 'any-loopback' },
    {
      clientId: 'web',
      clientSecret: 's',
      name: 'Web & <Co>',
      callbackUrl: 'https://app.example.com/cb?tenant=a',
      scopes: ['account', 'pullrequest:write'],
    },
    { clientId: 'no-callback', clientSecret: 's' },
  ],
}

beforeAll(async () => {
  emulator = await startBitbucketEmulator({ seed })
})
afterEach(() => emulator.reset())
afterAll(() => emulator.close())

describe('the consent page', () => {
  it('lists every person and a cancel button, in one form with the parameters of the request', async () => {
    const page = await (await askConsent(emulator.url, ordinary)).text()
    const nicknames = [...page.matchAll(/<button class="person" name="user" value="([^"]+)"/g)]
    expect(nicknames.map(([, nickname]) => nickname)).toEqual([
      'ada',
      'ben',
      'no-email',
      'unconfirmed',
      'many-emails',
      'inactive',
    ])
    expect(page.match(/<form/g)).toHaveLength(1)
    expect(page).toContain('method="post" action="/site/oauth2/authorize"')
    expect(page).toContain('name="decision" value="deny"')
    for (const [name, value] of Object.entries(ordinary)) {
      expect(page).toContain(`<input type="hidden" name="${name}" value="${value}">`)
    }
  })

  it('shows what is unusual about each person', async () => {
    const page = await (await askConsent(emulator.url, ordinary)).text()
    const notes = [...page.matchAll(/<span class="note">([^<]+)</g)].map(([, note]) => note)
    expect(notes).toEqual(['no e-mail', 'e-mail not confirmed', '30 e-mails', 'inactive'])
  })

  it('shows the name of the client and a description of each permission', async () => {
    const page = await (
      await askConsent(emulator.url, { client_id: 'web', response_type: 'code' })
    ).text()
    expect(page).toContain('Web &#38; &#60;Co&#62; would like to use your account')
    expect(page).toContain('<li>Read your account information</li>')
    expect(page).toContain('<li>Open, change and merge your pull requests</li>')
  })

  it('forbids scripts, resources, framing and caching, but not the redirect after its form is posted', async () => {
    const { headers } = await askConsent(emulator.url, ordinary)
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; img-src data:; /)
    expect(policy).toContain(`frame-ancestors 'none'`)
    expect(policy).toContain(`base-uri 'none'`)
    expect(policy).not.toContain('form-action')
    expect(headers.get('cache-control')).toBe('no-store')
  })

  it('escapes a hostile state', async () => {
    const state = `"><script>alert('x')</script>&amp;`
    const page = await (await askConsent(emulator.url, { ...ordinary, state })).text()
    expect(page).not.toContain('<script')
    expect(page).toContain(
      'value="&#34;&#62;&#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62;&#38;amp;"',
    )
  })

  it('escapes a hostile parameter name', async () => {
    const page = await (
      await askConsent(emulator.url, { ...ordinary, '"><img src=x>': '1' })
    ).text()
    expect(page).not.toContain('<img')
  })

  it('does not let the authorize request decide who consents', async () => {
    const page = await (
      await askConsent(emulator.url, { ...ordinary, user: 'inactive', decision: 'deny' })
    ).text()
    expect(page).not.toMatch(/<input[^>]+name="(user|decision)"/)
  })

  it('passes on unknown parameters and ignores them', async () => {
    const response = await askConsent(emulator.url, {
      ...ordinary,
      login_hint: 'ben',
      prompt: 'none',
      scope: 'repository:admin',
      code_challenge: 'nonsense',
    })
    expect(response.status).toBe(200)
    const page = await response.text()
    expect(page).toContain('name="login_hint" value="ben"')
    expect(page).not.toContain('Administer your repositories')
  })
})

describe('the decision', () => {
  it('returns a code and the exact state to the client', async () => {
    const state = 'a b+c%20&d="é"'
    const response = await postConsent(emulator.url, { ...ordinary, state, user: 'ada' })
    expect(response.status).toBe(303)
    const location = new URL(response.headers.get('location') ?? '')
    expect(location.origin + location.pathname).toBe(callback)
    expect([...location.searchParams.keys()]).toEqual(['code', 'state'])
    expect(location.searchParams.get('state')).toBe(state)
    expect(location.searchParams.get('code')).toMatch(/^[\w-]{22}$/)
  })

  it('issues a different code each time', async () => {
    const once = await postConsent(emulator.url, { ...ordinary, user: 'ada' })
    const again = await postConsent(emulator.url, { ...ordinary, user: 'ada' })
    expect(once.headers.get('location')).not.toBe(again.headers.get('location'))
  })

  it('returns no state if the client sent none', async () => {
    const { state: _, ...stateless } = ordinary
    const response = await postConsent(emulator.url, { ...stateless, user: 'ada' })
    const location = new URL(response.headers.get('location') ?? '')
    expect([...location.searchParams.keys()]).toEqual(['code'])
  })

  it('redirects to the callback of the consumer, including its query, if the request has no redirect_uri', async () => {
    const request = { client_id: 'web', response_type: 'code', state: 's', user: 'ada' }
    const response = await postConsent(emulator.url, request)
    expect(response.headers.get('location')).toMatch(
      /^https:\/\/app\.example\.com\/cb\?tenant=a&code=[\w-]+&state=s$/,
    )
  })

  it.each([
    ['http://localhost:3000/cb', '?code='],
    ['http://localhost:3000/cb?', '?code='],
    ['http://localhost:3000/cb?a=b', '?a=b&code='],
    ['http://localhost:3000/cb?a=b&', '?a=b&code='],
  ])('redirects to %s, with the code appended to its query', async (redirect_uri, query) => {
    const response = await postConsent(emulator.url, { ...ordinary, redirect_uri, user: 'ada' })
    const location = response.headers.get('location') ?? ''
    expect(location).toContain(`http://localhost:3000/cb${query}`)
    expect(new URL(location).searchParams.get('code')).toMatch(/^[\w-]+$/)
  })

  it('returns access_denied if consent is denied', async () => {
    const response = await postConsent(emulator.url, { ...ordinary, decision: 'deny' })
    const location = new URL(response.headers.get('location') ?? '')
    expect(Object.fromEntries(location.searchParams)).toEqual({
      error: 'access_denied',
      error_description: 'The user denied access to the application.',
      state: 'some-state',
    })
  })

  it('does not redirect for an unknown person', async () => {
    const response = await postConsent(emulator.url, { ...ordinary, user: 'nobody' })
    expect(response.status).toBe(400)
    expect(response.headers.has('location')).toBe(false)
  })

  it('rejects a body that is not a form', async () => {
    const response = await fetch(`${emulator.url}/site/oauth2/authorize`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...ordinary, user: 'ada' }),
    })
    expect(response.status).toBe(400)
  })
})

describe('a misconfigured client gets a page and no redirect', () => {
  it.each([
    ['an unknown client', { ...ordinary, client_id: '<b>x</b>' }, 'Invalid client_id'],
    ['no client', { response_type: 'code' }, 'Invalid client_id'],
    [
      'a different site as redirect_uri',
      { ...ordinary, redirect_uri: 'http://evil.example/' },
      'Invalid redirect_uri',
    ],
    [
      'no redirect_uri and no callback URL',
      { client_id: 'latchkey-dev', response_type: 'code' },
      'Invalid redirect_uri',
    ],
    [
      'a consumer without a callback',
      { ...ordinary, client_id: 'no-callback' },
      'Invalid redirect_uri',
    ],
  ])('%s', async (_, parameters, title) => {
    for (const send of [askConsent, postConsent]) {
      const response = await send(emulator.url, { ...parameters, user: 'ada' })
      expect(response.status).toBe(400)
      expect(response.headers.has('location')).toBe(false)
      const page = await response.text()
      expect(page).toContain(`<h1>${title}</h1>`)
      expect(page).toContain(
        'This integration is misconfigured. Contact the vendor for assistance.',
      )
      expect(page).not.toContain('<b>')
    }
  })
})

describe('an invalid request redirects to the client', () => {
  it.each([
    ['unsupported_response_type', { ...ordinary, response_type: 'token' }],
    ['invalid_request', { client_id: 'latchkey-dev', redirect_uri: callback, state: 'some-state' }],
  ])('with %s and the state', async (error, parameters) => {
    const response = await askConsent(emulator.url, parameters)
    expect(response.status).toBe(303)
    const location = new URL(response.headers.get('location') ?? '')
    expect(location.searchParams.get('error')).toBe(error)
    expect(location.searchParams.get('state')).toBe('some-state')
  })
})

describe('the scope parameter', () => {
  const web = {
    client_id: 'web',
    response_type: 'code',
    redirect_uri: 'https://app.example.com/cb?tenant=a',
  }
  const granted = async (url: string, scope: string) => {
    const code = await approve(url, 'ada', { ...web, scope })
    const { redirect_uri } = web
    const form = { grant_type: 'authorization_code', code, redirect_uri }
    const headers = { authorization: `Basic ${btoa('web:s')}` }
    return readJson(await postToken(url, form, headers))
  }

  it('is ignored by default, even if it exceeds the scopes of the client', async () => {
    for (const scope of ['account', 'repository:admin']) {
      const answer = await granted(emulator.url, scope)
      expect(answer).toMatchObject({ scope: 'account pullrequest:write' })
    }
  })

  describe('with narrow', () => {
    let narrowing: BitbucketEmulator
    beforeAll(async () => {
      narrowing = await startBitbucketEmulator({ seed, scopeParameter: 'narrow' })
    })
    afterAll(() => narrowing.close())

    it('limits the token and the consent page to the requested scopes', async () => {
      expect(await granted(narrowing.url, 'account')).toMatchObject({ scope: 'account' })
      const page = await (await askConsent(narrowing.url, { ...web, scope: 'account' })).text()
      expect(page).toContain('Read your account information')
      expect(page).not.toContain('pull requests')
    })

    it('requests all scopes if the parameter is empty', async () => {
      const answer = await granted(narrowing.url, '')
      expect(answer).toMatchObject({ scope: 'account pullrequest:write' })
    })

    it('rejects a scope that the client does not have', async () => {
      const excessive = { ...web, state: 's', scope: 'account repository:admin' }
      const answer = await askConsent(narrowing.url, excessive)
      const location = new URL(answer.headers.get('location') ?? '')
      expect(location.origin).toBe('https://app.example.com')
      expect(location.searchParams.get('error')).toBe('invalid_scope')
      expect(location.searchParams.get('state')).toBe('s')
    })
  })
})
