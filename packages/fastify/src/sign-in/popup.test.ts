import { createHash } from 'node:crypto'
import { errorSentences } from '@latchkey/contract'
import Fastify, { type LightMyRequestResponse } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import latchkey, { bitbucket } from '../index.ts'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, HTTPS_ORIGIN, onHttps, SECRET, setUpEmulator } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'
import { expectSafeHeaders } from '../testing/refusal.ts'

const emulator = setUpEmulator()

const POPUP = '3735928559-2748-0-4294967295'
const LONGEST = 'Az_-'.repeat(16)
const START = `?popup=${POPUP}`
/** The last page of a popup without a `return_to`. */
const END = `/auth/popup?popup=${POPUP}`
const REFERER = { referer: 'http://localhost:3000/pricing' }

const visit = async (): Promise<Browser> => createBrowser(await buildApp(emulator()))

/** Signs Ada in with this query at the start route, and returns the target of the callback. */
async function arrive(query: string, browser?: Browser): Promise<unknown> {
  const callback = await (browser ?? (await visit())).signIn('ada', query)
  expect(callback.statusCode).toBe(303)
  return callback.headers.location
}

/** Returns the outcome in the page, as its script reads it. */
function outcomeOf({ body }: LightMyRequestResponse): Record<string, string> {
  const [, attributes = ''] = /<div id="outcome"([^>]*)>/.exec(body) ?? []
  const pairs = [...attributes.matchAll(/ data-([\w-]+)="([^"]*)"/g)]
  return Object.fromEntries(pairs.map(([, name, value]) => [name, value]))
}

function scriptsOf({ body }: LightMyRequestResponse): string[] {
  return [...body.matchAll(/<script[^>]*>(.*?)<\/script>/gis)].map(([, script = '']) => script)
}

describe('a sign-in in a popup', () => {
  it('ends on a page that reports to the opener by the popup’s id', async () => {
    const browser = await visit()
    const url = await browser.start(START, REFERER)
    expect(url).not.toContain(POPUP)
    const callback = await browser.get(await browser.consent(url, { user: 'ada' }))
    expect(callback.statusCode).toBe(303)
    expect(callback.headers.location).toBe(END)
    expect((await browser.get('/api/me')).json().user.name).toBe('Ada Test')
    const page = await browser.get(END)
    expect(page.statusCode).toBe(200)
    expect(outcomeOf(page)).toEqual({ popup: POPUP, error: '', 'return-to': '/' })
    expect(page.body).toContain('You can close this window.')
    expect(page.body).not.toContain('role="alert"')
  })

  it.each([
    ['the shortest id', 'a'.repeat(16)],
    ['the longest id', LONGEST],
  ])('keeps %s', async (_what, name) => {
    expect(await arrive(`?popup=${name}`)).toBe(`/auth/popup?popup=${name}`)
  })

  it.each([
    ['that is too short', 'a'.repeat(15)],
    ['that is too long', 'a'.repeat(65)],
    ['that is empty', ''],
    ['with a space', `${POPUP}%20x`],
    ['with a trailing newline', `${POPUP}%0a`],
    ['with NUL', `${POPUP}%00`],
    ['with a dot', `${POPUP}.x`],
    ['with a slash', `${POPUP}/x`],
    ['with markup', `${POPUP}%22%3E%3Cscript%3E`],
    ['with non-ASCII letters', '%C3%A9'.repeat(16)],
    ['that is repeated', `${POPUP}&popup=${POPUP}`],
    ['in an array', `&popup[]=${POPUP}`],
    ['under another name', `&Popup=${POPUP}&popup[a]=${POPUP}`],
  ])('with an id %s is treated as a sign-in in the page itself', async (_what, name) => {
    const browser = await visit()
    expect(await arrive(`?return_to=/work&popup=${name}`, browser)).toBe('/work')
    const url = await browser.start(`?popup=${name}`, REFERER)
    const cancelled = await browser.get(await browser.consent(url, { decision: 'deny' }))
    expect(cancelled.headers.location).toBe('/pricing?auth_error=access_denied')
  })

  it('does not affect the next sign-in, or one in another tab', async () => {
    const browser = await visit()
    const other = await browser.start('?return_to=/work')
    expect(await arrive(START, browser)).toBe(END)
    const callback = await browser.consent(other, { user: 'ada' })
    expect((await browser.get(callback)).headers.location).toBe('/work')
    expect(await arrive('', browser)).toBe('/')
  })

  it.each([
    ['/work?tab=open&x=%2F#top', '/work?tab=open&x=%2F#top'],
    ['/popup', '/popup'],
    ['http://localhost:3000/work', '/work'],
  ])('keeps the target %s', async (written, target) => {
    const browser = await visit()
    const query = `${START}&return_to=${encodeURIComponent(written)}`
    const location = String(await arrive(query, browser))
    const { pathname, searchParams } = new URL(location, browser.origin)
    expect(pathname).toBe('/auth/popup')
    expect(Object.fromEntries(searchParams)).toEqual({ popup: POPUP, return_to: target })
    const outcome = outcomeOf(await browser.get(location))
    expect(outcome['return-to']).toBe(target.replaceAll('&', '&amp;'))
  })

  it.each([
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    'javascript:alert(1)',
    '/auth/popup',
    '/auth/sign-out',
    '/AUTH%2fsession',
    `/${'r'.repeat(2000)}`,
  ])('drops the target %j', async (target) => {
    expect(await arrive(`${START}&return_to=${encodeURIComponent(target)}`)).toBe(END)
  })

  it('that another site starts leads to the sign-in page, without the popup', async () => {
    const browser = await visit()
    for (const site of ['cross-site', 'same-site']) {
      const headers = { 'sec-fetch-dest': 'document', 'sec-fetch-site': site }
      const answer = await browser.get(`/auth/bitbucket/start${START}&return_to=/work`, headers)
      expect(answer.statusCode).toBe(303)
      expect(answer.headers.location).toBe('/auth/sign-in?return_to=%2Fwork')
      expect(answer.headers['set-cookie']).toBeUndefined()
      const page = await browser.get(String(answer.headers.location), headers)
      expect(page.body).toContain('href="/auth/bitbucket/start?return_to=%2Fwork"')
    }
  })

  it('ends below the application’s prefixes', async () => {
    const app = Fastify()
    onTestFinished(() => app.close())
    const providers = [bitbucket({ emulatorUrl: emulator().url })]
    const options = { origin: 'http://localhost:3000', secret: SECRET, providers }
    await app.register(
      async (scope) => {
        const store = sqlite(':memory:')
        await scope.register(latchkey, { ...options, store, prefix: '/sign/in' })
      },
      { prefix: '/api' },
    )
    const browser = createBrowser(app)
    const start = (query: string) => browser.get(`/api/sign/in/bitbucket/start${START}${query}`)
    const finish = async (query: string, press: Parameters<Browser['consent']>[1]) => {
      const { headers } = await start(query)
      const callback = await browser.consent(String(headers.location), press)
      return (await browser.get(callback)).headers.location
    }
    const end = `/api/sign/in/popup?popup=${POPUP}`
    expect(await finish('', { user: 'ada' })).toBe(end)
    expect(await finish('&return_to=/auth/popup', { user: 'ada' })).toBe(
      `${end}&return_to=%2Fauth%2Fpopup`,
    )
    expect(await finish('&return_to=/api/sign/in/popup', { user: 'ada' })).toBe(end)
    const cancelled = await finish('&return_to=/work', { decision: 'deny' })
    expect(cancelled).toBe(`${end}&return_to=%2Fwork&auth_error=access_denied`)
    const page = await browser.get(String(cancelled))
    expect(page.body).toContain('href="/api/sign/in/sign-in?return_to=%2Fwork"')
  })

  it('has its last page even if the application has its own sign-in page', async () => {
    const app = await buildApp(emulator(), { signInPath: '/log-in' })
    const browser = createBrowser(app)
    const callback = await browser.consent(await browser.start(START), { decision: 'deny' })
    const page = await browser.get(String((await browser.get(callback)).headers.location))
    expect(outcomeOf(page)).toMatchObject({ popup: POPUP, error: 'access_denied' })
    expect(page.body).toContain('href="/log-in"')
  })
})

describe('a failed sign-in in a popup', () => {
  const away = (): void => {
    emulator().answerNext('POST /site/oauth2/access_token', { status: 503 })
  }

  it.each([
    ['access_denied', { decision: 'deny' }, 0, () => {}],
    ['provider_unavailable', { user: 'ada' }, 0, away],
    ['flow_expired', { user: 'ada' }, 11 * 60 * 1000, () => {}],
    ['account_inactive', { user: 'inactive' }, 0, () => {}],
  ] as const)(
    'with %s reports to the opener and to the user, on whichever page it began',
    async (...how) => {
      const [code, press, later, goWrong] = how
      let now = Date.now()
      const app = await buildApp(emulator(), { clock: () => now })
      const browser = createBrowser(app)
      const url = await browser.start(`${START}&return_to=/work`, REFERER)
      const callback = await browser.consent(url, press)
      now += later
      goWrong()
      const answer = await browser.get(callback)
      expect(answer.statusCode).toBe(303)
      expect(answer.headers.location).toBe(`${END}&return_to=%2Fwork&auth_error=${code}`)
      expect((await browser.get('/api/me')).statusCode).toBe(401)

      const page = await browser.get(String(answer.headers.location))
      expect(outcomeOf(page)).toEqual({ popup: POPUP, error: code, 'return-to': '/work' })
      const sentence = errorSentences[code]
        .replace('{provider}', 'Bitbucket')
        .replaceAll("'", '&#39;')
      expect(page.body).toContain(`<p role="alert" data-code="${code}">${sentence}</p>`)
      expect(page.body).toContain('href="/auth/sign-in?return_to=%2Fwork"')
      expect(page.body).not.toContain('You can close this window.')
    },
  )

  it('with a callback in another browser does not use the popup', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    const callback = await browser.consent(await browser.start(START), { user: 'ada' })
    const answer = await createBrowser(app).get(callback)
    expect(answer.headers.location).toBe('/auth/sign-in?auth_error=flow_missing')
  })

  it('succeeds if its callback is repeated in a browser that is signed in', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    const callback = await browser.consent(await browser.start(START), { user: 'ada' })
    const before = browser.cookies()
    expect((await browser.get(callback)).headers.location).toBe(END)
    // The browser sends the second request before it has processed the first response.
    const cookie = `${before}; ${browser.cookies()}`
    const again = await app.inject({ url: callback, headers: { cookie } })
    expect(again.statusCode).toBe(303)
    expect(again.headers.location).toBe(END)
    const signedOut = await app.inject({ url: callback, headers: { cookie: before } })
    expect(signedOut.headers.location).toMatch(`${emulator().url}/site/oauth2/authorize?`)
  })
})

describe('the last page of a popup', () => {
  const pages = [
    ['after a success', `${END}&return_to=/work`],
    ['after a failure', `${END}&auth_error=access_denied`],
    ['without an id', '/auth/popup'],
  ] as const

  it.each(pages)('%s only allows its one script, by hash', async (_what, url) => {
    const browser = await visit()
    const page = await browser.get(url)
    expect(page.statusCode).toBe(200)
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    expectSafeHeaders(page)
    const scripts = scriptsOf(page)
    expect(scripts).toHaveLength(1)
    const styles = [...page.body.matchAll(/<style>(.*?)<\/style>/gs)].map(([, style]) => style)
    expect(styles).toHaveLength(1)
    expect(page.headers['content-security-policy']).toBe(
      [
        "default-src 'none'",
        `style-src '${hashOf(styles[0])}'`,
        `script-src '${hashOf(scripts[0])}'`,
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
      ].join('; '),
    )
    expect(page.body).not.toMatch(/ style=| on\w+=|<script /)
  })

  it('always has the same script, which only sends messages to its own origin', async () => {
    const browser = await visit()
    const scripts = new Set<string>()
    for (const [, url] of pages) {
      for (const script of scriptsOf(await browser.get(url))) scripts.add(script)
    }
    expect(scripts.size).toBe(1)
    const [script = ''] = scripts
    expect(script.match(/\S+ \S*postMessage/g)).toEqual([
      "new BroadcastChannel('latchkey').postMessage",
    ])
    expect(script).not.toMatch(/\b(opener|parent|top|name|cookie|localStorage|fetch|innerHTML)\b/)
    // The query is removed first, in case a later step fails.
    expect(script.indexOf('replaceState')).toBeLessThan(script.indexOf('postMessage'))
  })

  it('is the same for every user, and contains no data of the user or the sign-in', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    const url = await browser.start(`${START}&return_to=/work`)
    const underWay = browser.cookies()
    const callback = await browser.consent(url, { user: 'ada' })
    const end = String((await browser.get(callback)).headers.location)
    const { searchParams } = new URL(callback, browser.origin)
    const { user, session } = (await browser.get('/auth/session')).json()
    const tokens = emulator().requests.flatMap(({ headers }) => {
      return headers.authorization?.split(' ')[1] ?? []
    })
    const cookies = [underWay, browser.cookies()].flatMap((line) => {
      // The cookie with the last provider is not a secret.
      return line.split('; ').flatMap((pair) => pair.split('=')[1]?.match(/^.{16,}$/) ?? [])
    })
    const secrets = [
      ...[searchParams.get('code') ?? '', searchParams.get('state') ?? ''],
      ...[...new Set(tokens), ...cookies],
      ...[user.id, user.name, user.email, session.id],
    ]
    expect(secrets).toHaveLength(2 + 2 + 2 + 4)
    const page = await browser.get(end)
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(7)
      expect(end + page.body + JSON.stringify(page.headers)).not.toContain(secret)
    }
    expect(page.headers['set-cookie']).toBeUndefined()
    expect((await createBrowser(app).get(end)).body).toBe(page.body)
  })

  it.each([
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    'javascript:alert(1)',
    '/auth/sign-out',
    '"><script>alert(1)</script>',
    `/${'x'.repeat(2100)}`,
  ])('does not repeat %j as a target, an error or an id', async (hostile) => {
    const browser = await visit()
    const written = encodeURIComponent(hostile)
    const plain = await browser.get('/auth/popup')
    for (const query of [
      `return_to=${written}`,
      `popup=${written}`,
      `auth_error=${written}`,
      `popup=${POPUP}&popup=${written}`,
      `return_to=/work&return_to=${written}`,
      `popup=${written}&return_to=${written}&auth_error=${written}&${written}=${written}`,
    ]) {
      const page = await browser.get(`/auth/popup?${query}`)
      expect(page.statusCode).toBe(200)
      expect(page.body).toBe(plain.body)
      expect(page.headers['content-security-policy']).toBe(plain.headers['content-security-policy'])
    }
  })

  it.each([
    [`/work?"'<script>&amp;`, '/work?%22%27%3Cscript%3E&amp;amp;'],
    [`/work#'onload='&quot;`, '/work#&#39;onload=&#39;&amp;quot;'],
    [`/"onmouseover=alert(1)`, '/%22onmouseover=alert(1)'],
    ['/</script><script>', '/%3C/script%3E%3Cscript%3E'],
    ['/{{7*7}}', '/%7B%7B7*7%7D%7D'],
  ])('escapes the target %j', async (target, written) => {
    const browser = await visit()
    const plain = await browser.get('/auth/popup')
    const page = await browser.get(`/auth/popup?return_to=${encodeURIComponent(target)}`)
    expect(outcomeOf(page)['return-to']).toBe(written)
    // It appears in exactly two places.
    expect(page.body.split(written)).toHaveLength(3)
    expect(page.body.replaceAll(`"${written}"`, '"/"')).toBe(plain.body)
  })

  it.each(['__proto__', 'constructor', 'toString', 'ACCESS_DENIED', 'access_denied%00', 'x'])(
    'ignores the unknown error %s',
    async (code) => {
      const browser = await visit()
      const page = await browser.get(`${END}&auth_error=${code}`)
      expect(page.body).toBe((await browser.get(END)).body)
    },
  )

  it('only responds to GET', async () => {
    const app = await buildApp(emulator())
    for (const method of ['HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'] as const) {
      expect((await app.inject({ method, url: END })).statusCode).toBe(404)
    }
  })

  it('works while the store is closed', async () => {
    const store = sqlite(':memory:')
    const browser = createBrowser(await buildApp(emulator(), { store }))
    const before = await browser.get(END)
    await store.close()
    const page = await browser.get(END)
    expect(page.statusCode).toBe(200)
    expect(page.body).toBe(before.body)
  })
})

describe('five popups at a time, with the longest ids, targets and Referers', () => {
  it.each([
    ['no Referer', {}],
    ['the longest Referer', { referer: `${HTTPS_ORIGIN}/${'b'.repeat(255)}` }],
    ['a Referer that is too long', { referer: `${HTTPS_ORIGIN}/${'~'.repeat(510)}` }],
  ])('fit into the browser’s cookies with a session and %s', async (_what, headers) => {
    for (const target of [`/${'~'.repeat(511)}`, `/#${'|'.repeat(510)}`]) {
      const browser = createBrowser(await buildApp(emulator(), onHttps(emulator())), HTTPS_ORIGIN)
      await browser.signIn('ada')
      const query = `?popup=${LONGEST}&return_to=${encodeURIComponent(target)}`
      let url = ''
      for (let flow = 0; flow < 6; flow++) url = await browser.start(query, headers)
      const cookies = browser.cookies().split('; ')
      expect(cookies).toHaveLength(5 + 2)
      for (const cookie of cookies) expect(cookie.length).toBeLessThan(4096)
      expect(browser.cookies().length).toBeLessThan(8 * 1024)

      const cancelled = await browser.get(await browser.consent(url, { decision: 'deny' }))
      const { searchParams } = new URL(String(cancelled.headers.location), HTTPS_ORIGIN)
      expect(Object.fromEntries(searchParams)).toEqual({
        popup: LONGEST,
        return_to: target,
        auth_error: 'access_denied',
      })
    }
  })
})

function hashOf(text = ''): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}
