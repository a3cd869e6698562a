import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ProviderEmulator, type Sheet, startProviderEmulator } from './index.ts'

const acme: Sheet = {
  id: 'acme',
  name: 'Acme',
  clientId: undefined,
  clientSecret: undefined,
  clientAuth: 'basic',
  authorize: 'https://id.acme.example/authorize',
  token: 'https://id.acme.example/token',
  issuer: 'https://id.acme.example',
  openid: undefined,
  pkce: true,
  responseMode: 'query',
  posted: [],
  scope: ['profile'],
  optionalScopes: ['files'],
  steps: { me: { url: 'https://api.acme.example/me?fields=name' } },
}
const ada = {
  title: 'Ada Test',
  nickname: 'ada',
  responses: { me: { body: { name: 'Ada Test' } } },
}
const VERIFIER = 'a-code-verifier-that-is-long-enough-for-rfc-7636'
const CHALLENGE = 'KNczEurq67rF28NySvSIcG9G500QgPaoK2MO-TTWuoc'
const CALLBACK = 'http://localhost:3000/callback'

let emulator: ProviderEmulator
let now = Date.now()
beforeEach(async () => {
  emulator = await startProviderEmulator({ clock: () => now })
})
afterEach(() => emulator.close())

/** Posts the consent form with these changes, and returns the redirect. */
async function consent(sheet: Sheet, changed: Record<string, string> = {}): Promise<Response> {
  const body = new URLSearchParams({
    client_id: String(sheet.clientId),
    redirect_uri: CALLBACK,
    response_type: 'code',
    scope: 'profile',
    state: 'a-state',
    user: 'ada',
    ...changed,
  })
  return fetch(String(sheet.authorize), { method: 'POST', body, redirect: 'manual' })
}

async function result(response: Response): Promise<Record<string, string>> {
  return Object.fromEntries(new URL(String(response.headers.get('location'))).searchParams)
}

/** Sends a token request with these changes. */
async function exchange(
  sheet: Sheet,
  code: string | undefined,
  changed: Record<string, string> = {},
  secret: unknown = sheet.clientSecret,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const basic = Buffer.from(`${sheet.clientId}:${secret}`).toString('base64')
  const response = await fetch(String(sheet.token), {
    method: 'POST',
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: String(code),
      redirect_uri: CALLBACK,
      ...changed,
    }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

describe('an authorize request', () => {
  it.each([
    ['of another client', { client_id: 'other' }, 'Unknown client_id'],
    [
      'with a callback on another host',
      { redirect_uri: 'https://evil.example/' },
      'Invalid redirect_uri',
    ],
    [
      'with a callback that is no http URL',
      { redirect_uri: 'javascript:alert(1)' },
      'Invalid redirect_uri',
    ],
    ['for an unknown person', { user: 'nobody' }, 'Unknown person'],
  ])('%s gets a page and no redirect', async (_what, changed, heading) => {
    const response = await consent(emulator.emulate(acme, [ada]), changed)
    expect(response.status).toBe(400)
    expect(await response.text()).toContain(`<h1>${heading}</h1>`)
  })

  it.each([
    ['another response type', { response_type: 'token' }, 'unsupported_response_type'],
    ['another response mode', { response_mode: 'form_post' }, 'invalid_request'],
    ['an unknown scope', { scope: 'profile admin' }, 'invalid_scope'],
    ['a plain code challenge', { code_challenge: VERIFIER }, 'invalid_request'],
  ])('with %s is redirected with an error', async (_what, changed, error) => {
    const answer = await result(await consent(emulator.emulate(acme, [ada]), changed))
    expect(answer).toMatchObject({ error, state: 'a-state' })
  })

  it('gets a code, and the issuer if the sheet has one', async () => {
    const sheet = emulator.emulate(acme, [ada])
    const answer = await result(await consent(sheet, { scope: 'profile files' }))
    expect(answer).toEqual({ code: expect.any(String), state: 'a-state', iss: sheet.issuer })
  })

  it('escapes what it puts into the page', async () => {
    const sheet = emulator.emulate(acme, [{ title: '<b>Ada</b>' }])
    const query = new URLSearchParams({
      client_id: String(sheet.clientId),
      redirect_uri: CALLBACK,
      response_type: 'code',
      state: '"><script>',
    })
    const page = await (await fetch(`${sheet.authorize}?${query}`)).text()
    expect(page).not.toMatch(/<b>|<script>/)
  })

  it('gets a form for a provider with form_post, with a policy that allows its script alone', async () => {
    const sheet = emulator.emulate({ ...acme, responseMode: 'form_post', posted: ['user'] }, [
      { ...ada, posted: { user: '{"name":"Ada"}' } },
    ])
    const response = await consent(sheet, { response_mode: 'form_post' })
    const page = await response.text()
    expect(page).toContain(`method="post" action="${CALLBACK}"`)
    expect(page).toContain('name="user"')
    expect(response.headers.get('content-security-policy')).toMatch(
      /default-src 'none'.*script-src 'sha256-[^ ]+'$/,
    )
    const again = await consent(sheet, { response_mode: 'form_post' })
    expect(await again.text()).not.toContain('name="user"')
  })
})

describe('a token request', () => {
  it('exchanges a code once, for a token that opens the API', async () => {
    const sheet = emulator.emulate(acme, [ada])
    const { code } = await result(await consent(sheet))
    const { access_token } = (await exchange(sheet, code)).body
    const headers = { authorization: `Bearer ${access_token}` }
    const me = await fetch(String(sheet.steps.me?.url), { headers })
    expect(await me.json()).toEqual({ name: 'Ada Test' })
    expect((await exchange(sheet, code)).body).toMatchObject({ error: 'invalid_grant' })
  })

  it.each([
    ['an unknown code', 'unknown', {}],
    ['another callback', undefined, { redirect_uri: 'http://localhost:3000/other' }],
    ['a wrong verifier', undefined, { code_verifier: 'wrong' }],
    ['no verifier', undefined, {}],
  ])('with %s is rejected', async (_what, code, changed) => {
    const sheet = emulator.emulate(acme, [ada])
    const challenge = { code_challenge: CHALLENGE, code_challenge_method: 'S256' }
    const issued = (await result(await consent(sheet, challenge))).code
    const { status, body } = await exchange(sheet, code ?? issued, changed)
    expect([status, body.error]).toEqual([400, 'invalid_grant'])
  })

  it('accepts the verifier of the challenge', async () => {
    const sheet = emulator.emulate(acme, [ada])
    const challenge = { code_challenge: CHALLENGE, code_challenge_method: 'S256' }
    const { code } = await result(await consent(sheet, challenge))
    expect((await exchange(sheet, code, { code_verifier: VERIFIER })).status).toBe(200)
  })

  it.each(['basic', 'post', 'none', 'secret_jwt'] as const)(
    'without valid credentials for %s is rejected',
    async (clientAuth) => {
      const sheet = emulator.emulate({ ...acme, clientAuth }, [ada])
      const { code } = await result(await consent(sheet))
      const { status, body } = await exchange(sheet, code, { client_id: 'other' }, 'wrong')
      expect([status, body.error]).toEqual([401, 'invalid_client'])
    },
  )

  it('is rejected with a code that is ten minutes old', async () => {
    const sheet = emulator.emulate(acme, [ada])
    const { code } = await result(await consent(sheet))
    now += 10 * 60 * 1000
    expect((await exchange(sheet, code)).status).toBe(400)
  })

  it('is rejected with the code of another provider', async () => {
    const sheet = emulator.emulate(acme, [ada])
    const other = emulator.emulate({ ...acme, id: 'other' }, [ada])
    const { code } = await result(await consent(sheet))
    expect((await exchange(other, code)).status).toBe(400)
  })
})

describe('the API', () => {
  it('rejects a missing token, and a token that is an hour old', async () => {
    const sheet = emulator.emulate(acme, [ada])
    const url = String(sheet.steps.me?.url)
    expect((await fetch(url)).status).toBe(401)
    const { code } = await result(await consent(sheet))
    const { access_token } = (await exchange(sheet, code)).body
    now += 60 * 60 * 1000
    const headers = { authorization: `Bearer ${access_token}` }
    expect((await fetch(url, { headers })).status).toBe(401)
  })

  it('says which response is missing, and what it does not emulate', async () => {
    const sheet = emulator.emulate(acme, [{ title: 'ada' }])
    const { code } = await result(await consent(sheet))
    const { access_token } = (await exchange(sheet, code)).body
    const headers = { authorization: `Bearer ${access_token}` }
    const missing = await fetch(String(sheet.steps.me?.url), { headers })
    expect(await missing.json()).toMatchObject({
      error_description: 'The person "ada" has no response for the step `me`.',
    })
    const other = await fetch(`${emulator.url}/acme/https/api.acme.example/other`, { headers })
    expect(await other.json()).toMatchObject({
      error_description: 'The sheet does not request https://api.acme.example/other.',
    })
  })

  it.each([
    [
      'the Link header',
      'link',
      {
        headers: { link: '<https://api.acme.example/list?page=2>; rel="next"' },
        body: [{ id: 1 }],
      },
      { body: [{ id: 2 }] },
    ],
    [
      'a field',
      { rows: 'values', next: 'next' },
      { body: { values: [{ id: 1 }], next: 'https://api.acme.example/list?page=2' } },
      { body: { values: [{ id: 2 }] } },
    ],
  ] as const)('leads to the second page by %s', async (_what, pages, first, second) => {
    const list = [first, second]
    const steps = { list: { url: 'https://api.acme.example/list', read: 'list', pages } } as const
    const people = [{ title: 'ada', responses: { list } }]
    const sheet = emulator.emulate({ ...acme, steps }, people)
    const { code } = await result(await consent(sheet))
    const { access_token } = (await exchange(sheet, code)).body
    const headers = { authorization: `Bearer ${access_token}` }
    const page = await fetch(String(sheet.steps.list.url), { headers })
    const text = `${page.headers.get('link')} ${await page.text()}`
    const [next = ''] = /http:[^>"]*page=2/.exec(text) ?? []
    const answer = await fetch(next, { headers })
    expect(await answer.text()).toContain('{"id":2}')
  })

  it('survives a step whose URL cannot be built from the answers', async () => {
    const other = {
      url: (earlier: Readonly<Record<string, unknown>>) =>
        `https://api.acme.example/${(earlier.me as { id: string }).id}`,
    }
    const steps = { ...acme.steps, other, last: { url: 'https://api.acme.example/last' } }
    const people = [{ title: 'ada', responses: { last: { body: 'plain text' } } }]
    const sheet = emulator.emulate({ ...acme, steps }, people)
    const { code } = await result(await consent(sheet))
    const { access_token } = (await exchange(sheet, code)).body
    const headers = { authorization: `Bearer ${access_token}` }
    const last = await fetch(String(sheet.steps.last?.url), { headers })
    expect(await last.text()).toBe('plain text')
  })
})

describe('the emulator', () => {
  it('answers only to the names of this machine', async () => {
    const { request } = await import('node:http')
    const status = await new Promise((resolve, reject) => {
      const headers = { host: 'rebound.example' }
      request(emulator.url, { headers }, ({ statusCode }) => resolve(statusCode))
        .once('error', reject)
        .end()
    })
    expect(status).toBe(421)
  })

  it('lists its providers where there is no page', async () => {
    emulator.emulate(acme, [ada])
    const response = await fetch(`${emulator.url}/other`)
    expect([response.status, await response.text()]).toEqual([
      404,
      expect.stringContaining('This emulator has these providers: acme.'),
    ])
  })

  it('rejects people who share a nickname, and a provider without people', () => {
    expect(() => emulator.emulate(acme, [ada, ada])).toThrow('two people share the nickname "ada"')
    expect(() => emulator.emulate(acme, [])).toThrow('there are no people')
    expect(() => emulator.emulate(acme)).toThrow('does not know this company')
  })

  it('reports a port that is in use, and can be closed twice', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => taken.once('listening', resolve))
    const { port } = taken.address() as AddressInfo
    await expect(startProviderEmulator({ port })).rejects.toThrow(`Port ${port} is already in use`)
    taken.close()
    await emulator.close()
    await emulator.close()
  })
})
