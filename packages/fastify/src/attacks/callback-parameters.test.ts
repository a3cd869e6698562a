import { describe, expect, it } from 'vitest'
import { setUpEmulator } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'
import { sendRaw } from '../testing/raw-request.ts'
import { buildWatchedApp, countExchanges, setCookies } from '../testing/refusal.ts'

const emulator = setUpEmulator()
const CALLBACK = '/auth/bitbucket/callback'

/** Begins a flow, and returns a callback URL with only the flow's own state. */
async function callbackOf(browser: Browser): Promise<string> {
  const state = new URL(await browser.start()).searchParams.get('state')
  return `${CALLBACK}?state=${state}`
}

describe('a callback with an impossible state', () => {
  it.each([
    '',
    '?',
    '?code=x',
    '?error=access_denied',
    '?error=access_denied&state=',
    '?error=access_denied&error_description=%3Cscript%3E&state=%00',
    '?code=x&state=a&state=a',
    '?code=x&state[]=a',
    '?code=x&state[x]=1',
    '?code=x&state=%F0%9F%98%80',
    '?code=x&state=%ED%A0%80',
    '?code=x&state=%',
    '?code=x&STATE=a',
    '?code=x;state=a',
    '?response=eyJhbGciOiJub25lIn0.eyJjb2RlIjoieCJ9.',
  ])('such as "%s" is rejected without a request to Bitbucket', async (query) => {
    const { app, expectRefused } = await buildWatchedApp(emulator())
    const browser = createBrowser(app)
    const underWay = await browser.consent(await browser.start(), { user: 'ada' })
    const answer = await expectRefused('flow_missing', () => browser.get(CALLBACK + query))
    expect(answer.headers.location).toBe('/auth/sign-in?auth_error=flow_missing')
    expect(setCookies(answer)).toEqual([])
    expect((await browser.get(underWay)).headers.location).toBe('/')
  })

  it('is also rejected if it has the right state twice, or outside the query', async () => {
    const { app, expectRefused } = await buildWatchedApp(emulator())
    const browser = createBrowser(app)
    const callback = await browser.consent(await browser.start(), { user: 'ada' })
    const { searchParams } = new URL(callback, 'http://x')
    const [code, state] = [searchParams.get('code'), String(searchParams.get('state'))]
    await expectRefused('flow_missing', () => browser.get(`${callback}&state=${state}`))
    const cookie = `${browser.cookies()}; state=${state}; oauth2-redirect-state=${state}`
    await expectRefused('flow_missing', () =>
      app.inject({ url: `${CALLBACK}?code=${code}`, headers: { cookie, state } }),
    )
    expect((await browser.get(callback)).headers.location).toBe('/')
  })
})

describe('a callback with the right state', () => {
  it.each([
    ['neither code nor error', ''],
    ['an empty code', '&code='],
    ['two codes', '&code=a&code=b'],
    ['the same code twice', '&code=a&code=a'],
    ['an array of codes', '&code[]=a'],
    ['an object for a code', '&code[x]=a'],
    ['a token instead of a code', '&response=eyJhbGciOiJub25lIn0.eyJjb2RlIjoieCJ9.'],
    ['the response of an implicit flow', '&access_token=x&token_type=bearer'],
  ])('and %s is rejected without a request to Bitbucket', async (_what, more) => {
    const { app, expectRefused } = await buildWatchedApp(emulator())
    const browser = createBrowser(app)
    const callback = await callbackOf(browser)
    await expectRefused('provider_bad_answer', () => browser.get(callback + more))
    expect(browser.cookies()).toBe('')
  })

  it.each(['null', 'undefined', '%00', '%0d%0aAuthorization:+x', '%F0%9F%98%80', '%', '+'])(
    'and the code %s is passed to Bitbucket, which rejects it',
    async (code) => {
      const { app, expectRefused } = await buildWatchedApp(emulator())
      const browser = createBrowser(app)
      const callback = await callbackOf(browser)
      await expectRefused('provider_refused', () => browser.get(`${callback}&code=${code}`), 1)
      expect(emulator().requests.at(-1)?.headers).toMatchObject({
        authorization: expect.stringMatching(/^Basic /),
      })
    },
  )

  it('and many other parameters signs in, ignoring those parameters', async () => {
    const { app } = await buildWatchedApp(emulator())
    const browser = createBrowser(app)
    const callback = await browser.consent(await browser.start('?return_to=/work'), { user: 'ada' })
    const extra = new URLSearchParams({
      user: 'admin',
      email: 'admin@example.com',
      role: 'admin',
      redirect_uri: 'https://evil.example',
      return_to: 'https://evil.example',
      client_id: 'other',
      client_secret: 'other',
      code_verifier: 'x'.repeat(43),
      grant_type: 'password',
      access_token: 'x',
      iss: 'https://evil.example',
    })
    const answer = await browser.get(`${callback}&${extra}`)
    expect(answer.headers.location).toBe('/work')
    const [exchange] = emulator().requests.filter(({ path }) => path.endsWith('/access_token'))
    expect(exchange?.body).toEqual({
      grant_type: 'authorization_code',
      code: new URL(callback, 'http://x').searchParams.get('code'),
      redirect_uri: 'http://localhost:3000/auth/bitbucket/callback',
      code_verifier: expect.not.stringContaining('xxx'),
    })
    expect(exchange?.query).toEqual({})
    expect((await browser.get('/auth/session')).json()).toMatchObject({
      user: { name: 'Ada Test', email: 'ada@example.com' },
    })
  })
})

describe('a callback with an error', () => {
  it.each([
    ['access_denied', 'access_denied'],
    ['temporarily_unavailable', 'provider_unavailable'],
    ['server_error', 'provider_unavailable'],
    ['invalid_scope', 'provider_refused'],
    ['login_required', 'provider_refused'],
    ['__proto__', 'provider_refused'],
    ['', 'provider_refused'],
  ] as const)(
    'such as error=%s fails with %s, even if it also has a code',
    async (error, expected) => {
      const { app, expectRefused } = await buildWatchedApp(emulator())
      const browser = createBrowser(app)
      const callback = await browser.consent(await browser.start(), { user: 'ada' })
      await expectRefused(expected, () => browser.get(`${callback}&error=${error}`))
    },
  )

  it.each(['error=access_denied&error=access_denied', 'error=&error=', 'error'])(
    'such as %s fails too',
    async (error) => {
      const { app, expectRefused } = await buildWatchedApp(emulator())
      const browser = createBrowser(app)
      const callback = await browser.consent(await browser.start(), { user: 'ada' })
      await expectRefused('provider_refused', () => browser.get(`${callback}&${error}`))
    },
  )

  it('caused by a click on Cancel ends the flow, even if a code follows', async () => {
    const { app, expectNoEffect, expectRefused } = await buildWatchedApp(emulator())
    const browser = createBrowser(app)
    const url = await browser.start()
    const cookie = browser.cookies()
    const cancelled = await browser.consent(url, { decision: 'deny' })
    await expectRefused('access_denied', () => browser.get(cancelled))
    const agreed = await browser.consent(url, { user: 'ada' })
    const later = await expectNoEffect(() => app.inject({ url: agreed, headers: { cookie } }))
    expect(later.headers.location).toMatch(`${emulator().url}/site/oauth2/authorize?`)
    const page = await browser.get('/auth/sign-in?auth_error=access_denied')
    expect(page.body).toContain('You cancelled the sign-in.')
  })

  it.each([
    ['markup', '<script>alert("MARKER")</script>'],
    ['a header', 'x\r\nSet-Cookie: MARKER=1\r\n\r\n<p>'],
    ['characters that are invalid in a header', 'caf\u00e9 \u2192 \u2028 \u{1F600} MARKER'],
    ['a control sequence', '\u001b[31mMARKER\u0000\u0007'],
    ['a forged log line', 'MARKER"}\n{"level":30,"msg":"MARKER"}'],
    ['ten thousand characters', 'MARKER'.repeat(1700)],
    ['a URL', 'javascript:MARKER'],
  ])('that contains %s is reported without any of the provider’s words', async (_what, text) => {
    const { app, log, expectRefused } = await buildWatchedApp(emulator())
    const names = ['error', 'error_description', 'error_uri', 'error_reason', 'message']
    for (const name of names) {
      const browser = createBrowser(app)
      const state = new URL(await browser.start()).searchParams.get('state') ?? ''
      const query = new URLSearchParams({ error: 'invalid_request', [name]: text, state })
      const answer = await expectRefused('provider_refused', () =>
        browser.get(`${CALLBACK}?${query}`),
      )
      expect(answer.headers.location).toBe('/auth/sign-in?auth_error=provider_refused')
      expect(JSON.stringify(answer.headers)).not.toContain('MARKER')
      // Without a flow, the response reveals even less.
      query.delete('state')
      await expectRefused('flow_missing', () => browser.get(`${CALLBACK}?${query}`))
    }
    expect(log.length).toBeGreaterThan(names.length)
    expect(log.join('')).not.toContain('MARKER')
  })
})

describe('a POST callback, as sent by providers that we do not support', () => {
  it('gets 404, whatever its body contains, and does not use up a flow', async () => {
    const { app, expectNoEffect } = await buildWatchedApp(emulator())
    const browser = createBrowser(app)
    const callback = await browser.consent(await browser.start(), { user: 'ada' })
    const { search } = new URL(callback, 'http://x')
    const headers = { cookie: browser.cookies(), origin: emulator().url }
    const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded' }
    for (const url of [callback, CALLBACK, `${CALLBACK}?state=another`]) {
      for (const [type, payload] of [
        [form, search.slice(1)],
        [headers, Object.fromEntries(new URLSearchParams(search))],
      ] as const) {
        const answer = await expectNoEffect(() =>
          app.inject({ method: 'POST', url, headers: type, payload }),
        )
        expect(answer.statusCode).toBe(404)
        expect(answer.json().error.code).toBe('not_found')
        expect(setCookies(answer)).toEqual([])
      }
    }
    expect((await browser.get(callback)).headers.location).toBe('/')
  })
})

describe('a very long callback', () => {
  it('with a code of eight thousand characters passes it to Bitbucket unchanged', async () => {
    const { app } = await buildWatchedApp(emulator())
    const first = createBrowser(app)
    await first.signIn('ada')
    const { authorization = '' } = emulator().requests.at(-1)?.headers ?? {}
    emulator().answerNext('POST /site/oauth2/access_token', {
      body: { access_token: authorization.slice('Bearer '.length), token_type: 'bearer' },
    })
    const browser = createBrowser(app)
    const code = 'c0de'.repeat(2000)
    const callback = `${await callbackOf(browser)}&code=${code}`
    expect((await browser.get(callback)).headers.location).toBe('/')
    const exchanges = emulator().requests.filter(({ path }) => path.endsWith('/access_token'))
    expect(exchanges.at(-1)?.body).toMatchObject({ code })
  })

  it('with five hundred extra parameters signs in', async () => {
    const { app } = await buildWatchedApp(emulator())
    const browser = createBrowser(app)
    const callback = await browser.consent(await browser.start(), { user: 'ada' })
    const more = Array.from({ length: 500 }, (_, index) => `&p${index}=${index}`).join('')
    expect((await browser.get(callback + more)).headers.location).toBe('/')
  })

  it('with a state or a code of any length is rejected as usual', async () => {
    const { app, expectRefused } = await buildWatchedApp(emulator())
    for (const name of ['state', 'code', 'error']) {
      for (const length of [15_000, 1_000_000]) {
        const url = `${CALLBACK}?${name}=${'x'.repeat(length)}`
        const answer = await expectRefused('flow_missing', () => app.inject(url))
        expect(answer.headers.location).toBe('/auth/sign-in?auth_error=flow_missing')
      }
    }
  })

  it('beyond Node’s header limit is rejected by Node, and no part of it is repeated', async () => {
    const { app } = await buildWatchedApp(emulator())
    for (const times of [3_000, 200_000]) {
      const url = `${CALLBACK}?state=x&code=${'MARKER'.repeat(times)}`
      const answer = await sendRaw(app, [`GET ${url} HTTP/1.1`, HOST])
      expect(answer).toMatch(/^HTTP\/1\.1 431 /)
      expect(answer).not.toContain('MARKER')
    }
    const after = await sendRaw(app, [`GET ${CALLBACK}?state=x&code=x HTTP/1.1`, HOST])
    expect(after).toMatch(/^HTTP\/1\.1 303 /)
    expect(countExchanges(emulator())).toBe(0)
  })
})

describe('an unknown provider', () => {
  it.each([
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'BITBUCKET',
    'bitbucket%00',
    'bitbucket%20',
    'bitbucket;x',
    'bitbucket.',
    '..%2fbitbucket',
    '%2e%2e',
    '..',
    '.',
    '*',
    ':provider',
    '%E2%80%A8',
    'session',
    '',
    'x'.repeat(100),
    'x'.repeat(101),
  ])('named "%s" gets the same response as any other, without its name', async (name) => {
    const { app } = await buildWatchedApp(emulator())
    const browser = createBrowser(app)
    await browser.start()
    const cookie = `Cookie: ${browser.cookies()}`
    const unknown = await sendRaw(app, ['GET /auth/nobody/start HTTP/1.1', HOST, cookie])
    expect(unknown).toMatch(/^HTTP\/1\.1 404 .*\r\n\r\n\{"error":\{"code":"not_found",/s)
    for (const route of ['start', 'callback?code=c&state=s']) {
      const answer = await sendRaw(app, [`GET /auth/${name}/${route} HTTP/1.1`, HOST, cookie])
      expect(withoutDate(answer)).toBe(withoutDate(unknown))
    }
    expect(countExchanges(emulator())).toBe(0)
  })

  it('whose name cannot be decoded is rejected by Fastify', async () => {
    const { app, log } = await buildWatchedApp(emulator())
    const answer = await sendRaw(app, ['GET /auth/%/start HTTP/1.1', HOST])
    expect(answer).toMatch(/^HTTP\/1\.1 400 .*\r\ncontent-type: application\/json/is)
    expect(answer).not.toMatch(/^set-cookie/im)
    expect(log.join('')).not.toContain('"level":50')
  })
})

const HOST = 'Host: localhost:3000'
const withoutDate = (answer: string): string => answer.replace(/^date: .*\r\n/im, '')
