import type { FastifyInstance } from 'fastify'
import { describe, expect, it } from 'vitest'
import { createSeal } from '../http/seal.ts'
import type { LatchkeyOptions } from '../index.ts'
import { bitbucket } from '../providers/bitbucket.ts'
import { buildApp, EXAMPLE_CONSUMER, SECRET, setUpEmulator } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'

const emulator = setUpEmulator()

/** An application at an origin, and a browser for it. */
async function visit(
  origin: string,
  options: LatchkeyOptions = {},
): Promise<{ app: FastifyInstance; browser: Browser }> {
  const providers = [bitbucket({ emulatorUrl: emulator().url, ...EXAMPLE_CONSUMER })]
  const app = await buildApp(emulator(), {
    origin,
    ...(origin.startsWith('https:') ? { providers } : {}),
    ...options,
  })
  return { app, browser: createBrowser(app, origin) }
}

/** Targets that would lead a browser or a careless parser to another site or to our own routes. */
const FAMILIES: Readonly<Record<string, (site: URL) => string[]>> = {
  'with two slashes or more': () => [
    '//evil.example',
    '///evil.example',
    '////evil.example',
    '/.//evil.example',
    '/..//evil.example',
    '/a/..//evil.example',
    '/%2e//evil.example',
    '/%2E%2e//evil.example',
    'https:///evil.example',
    '//2130706433',
    '//0x7f000001',
    '//[::1]',
    '//evil\u3002example',
    '//\u00adevil.example',
  ],
  'with backslashes': () => [
    '/\\evil.example',
    '\\/evil.example',
    '\\\\evil.example',
    '\\evil.example',
    '/./\\/evil.example',
    '/\\/\\evil.example',
    '/a/../\\evil.example',
    '/work\\..\\..\\evil.example',
    '/work?x=\\',
  ],
  'with characters that browsers drop': () => [
    '/\t/evil.example',
    '/\n/evil.example',
    '/\r/evil.example',
    '\t//evil.example',
    ' //evil.example',
    '\u0000//evil.example',
    '\u001f//evil.example',
    '/\u0000/evil.example',
    '/work\u0000',
    '/\u007f/evil.example',
    '//evil.example ',
  ],
  'of a look-alike': ({ protocol, host, hostname, origin }) => [
    'https://evil.example',
    `${origin}@evil.example`,
    `${origin}:80@evil.example`,
    `${protocol}//user:password@${host}/`,
    `${protocol}//user@${host}/`,
    `${protocol}//@${host}/`,
    `//user:password@${host}/work`,
    `//user@${host}/work`,
    `https://evil.example\\@${host}`,
    `https://evil.example#@${host}`,
    `https://evil.example\\.${host}`,
    `https://evil.example/.${host}`,
    `https://evil.example/${origin}/`,
    `https://evil.example?${origin}/`,
    `${origin}.evil.example`,
    `${protocol}//${hostname}.evil.example`,
    `${protocol}//${hostname}\u3002evil.example`,
    `${protocol}//evil-${host}/`,
    `${protocol}//a.${host}/`,
    `${protocol}//a.b.${host}/`,
    `${protocol}//${host.replace(hostname, `${hostname}.`)}/work`,
    `${protocol}//${hostname}:444/work`,
    `${protocol === 'https:' ? 'http:' : 'https:'}//${host}/work`,
    `${protocol}//${host.replace('a', '\u0430')}/work`,
    `${protocol}//${host.replace('a', '\uff41')}/work`,
    `${origin}evil.example`,
    'http://127.0.0.1:3000/work',
    'http://[::1]:3000/work',
  ],
  'with escapes instead of slashes': () => [
    '%2f%2fevil.example',
    '%2F%5cevil.example',
    '%252f%252fevil.example',
    '%5c%5cevil.example',
    'https%3a%2f%2fevil.example',
    '+//evil.example',
  ],
  'of another scheme': ({ origin }) => [
    'javascript:alert(1)',
    'java\nscript:alert(1)',
    '\u0001javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    `javascript://${origin}/%0aalert(1)`,
    'data:text/html,x',
    'vbscript:x',
    `blob:${origin}/x`,
    `filesystem:${origin}/temporary/x`,
    `view-source:${origin}/`,
    'file:///etc/passwd',
    'intent:#Intent;scheme=x;end',
    'myapp://x',
    'about:blank',
    'ws://evil.example',
  ],
  'that are not a complete path': () => [
    '',
    '?x',
    '#x',
    '.',
    '..',
    'work',
    'evil.example',
    '.evil.example',
    '@evil.example',
    ':80',
    ';@evil.example',
    'http:',
    'http://',
    'http:evil.example',
    'http:/evil.example',
    'https:evil.example',
    'https:/evil.example',
    'http://[',
    'https://%',
    'null',
    '[object Object]',
  ],
  'that are invalid or too long for a header': () => [
    '/work\r\nSet-Cookie: a=b',
    '/work\r\n\r\n<script>',
    '/\u0085/evil.example',
    `/${'x'.repeat(64 * 1024)}`,
    `/${'"'.repeat(700)}`,
    `//${'x'.repeat(64 * 1024)}`,
  ],
  'that point to our own routes': ({ origin }) => [
    '/auth',
    '/auth/',
    '/auth?x',
    '/auth#x',
    '/auth/bitbucket/start',
    '/auth/bitbucket/start?return_to=/auth/bitbucket/start',
    '/auth/bitbucket/callback?code=x&state=x',
    '/auth/sign-out',
    '/auth/sign-in?return_to=//evil.example',
    '/auth/anything-new',
    '/AUTH/sign-out',
    '/%61uth/sign-out',
    '/auth%2fsign-out',
    '/auth/../auth/sign-out',
    '/work/../auth/sign-out',
    '/./auth/sign-out',
    '/auth//evil.example',
    '/auth/%',
    `${origin}/auth/bitbucket/start`,
  ],
}

/** A way to pass a target, and the place where the browser is redirected. */
interface Way {
  readonly name: string
  arrive(target: string, app: FastifyInstance, browser: Browser): Promise<unknown>
  /** Where it is redirected without a target. */
  readonly usual: string
  /** Where it is redirected with `/work`. */
  readonly good: string
  /** Whether a target can be passed in this way. */
  takes?(target: string): boolean
}

const WAYS: readonly Way[] = [
  {
    name: 'as return_to of a sign-in',
    usual: '/',
    good: '/work',
    async arrive(target, _app, browser) {
      const { headers } = await browser.signIn('ada', `?return_to=${encode(target)}`)
      return headers.location
    },
  },
  {
    name: 'as return_to of a failed sign-in',
    usual: '/auth/sign-in?auth_error=access_denied',
    good: '/auth/sign-in?return_to=%2Fwork&auth_error=access_denied',
    async arrive(target, _app, browser) {
      return cancel(browser, await browser.start(`?return_to=${encode(target)}`))
    },
  },
  {
    name: 'as return_to of a start from another site',
    usual: '/auth/sign-in',
    good: '/auth/sign-in?return_to=%2Fwork',
    async arrive(target, _app, browser) {
      const url = `/auth/bitbucket/start?return_to=${encode(target)}`
      return (await browser.get(url, { 'sec-fetch-site': 'cross-site' })).headers.location
    },
  },
  {
    name: 'as return_to of the hosted page',
    usual: '/auth/bitbucket/start',
    good: '/auth/bitbucket/start?return_to=%2Fwork',
    async arrive(target, _app, browser) {
      const page = await browser.get(`/auth/sign-in?return_to=${encode(target)}`)
      return /class="button" href="([^"]*)"/.exec(page.body)?.[1]
    },
  },
  {
    name: 'as return_to of the hosted page, signed in',
    usual: '/',
    good: '/work',
    async arrive(target, _app, browser) {
      if (!/latchkey(-\d+)?=/.test(browser.cookies())) await browser.signIn('ada')
      const page = await browser.get(`/auth/sign-in?return_to=${encode(target)}`)
      return /class="back" href="([^"]*)"/.exec(page.body)?.[1]
    },
  },
  {
    name: 'as return_to of a sign-out',
    usual: '/',
    good: '/work',
    // A longer body would exceed the limit for a sign-out.
    takes: (target) => target.length < 3000,
    async arrive(target, app, { origin }) {
      const answer = await app.inject({
        method: 'POST',
        url: '/auth/sign-out?return_to=https://evil.example',
        headers: { origin, 'content-type': 'application/x-www-form-urlencoded' },
        payload: `return_to=${encode(target)}`,
      })
      return answer.headers.location
    },
  },
  {
    name: 'as Referer of a failed sign-in',
    usual: '/auth/sign-in?auth_error=access_denied',
    good: '/work?auth_error=access_denied',
    // No HTTP client can send anything else.
    takes: (target) => /^[\x20-\x7e]*$/.test(target) && target.length < 9000,
    async arrive(target, _app, browser) {
      return cancel(browser, await browser.start('', { referer: target }))
    },
  },
  {
    name: 'in a flow, resealed with the secret',
    usual: '/',
    good: '/work',
    async arrive(target, _app, browser) {
      const url = await browser.start('?return_to=/elsewhere')
      resealFlow(browser, { returnTo: target })
      return (await browser.get(await browser.consent(url, { user: 'ada' }))).headers.location
    },
  },
  {
    name: 'in a failed flow, resealed with the secret',
    usual: '/auth/sign-in?auth_error=access_denied',
    good: '/work?auth_error=access_denied',
    async arrive(target, _app, browser) {
      const url = await browser.start()
      resealFlow(browser, { returnTo: target, began: target })
      return cancel(browser, url)
    },
  },
]

describe.each(WAYS)('a target $name', ({ arrive, usual, good, takes = () => true }) => {
  const origin = 'https://app.example.com'

  it('is followed if it is on the site', async () => {
    const { app, browser } = await visit(origin)
    expect(await arrive('/work', app, browser)).toBe(good)
    expect(await arrive(`${origin}/work`, app, browser)).toBe(good)
  })

  it.each(Object.entries(FAMILIES))('%s is ignored', async (_family, targets) => {
    const { app, browser } = await visit(origin)
    const given = targets(new URL(origin)).filter(takes)
    expect(given).not.toEqual([])
    for (const target of given) {
      expect(await arrive(target, app, browser), JSON.stringify(target)).toBe(usual)
    }
  })
})

describe('a target of a sign-in', () => {
  it.each([
    ['/work', '/work'],
    ['/work?tab=open&x=%2F%2Fevil.example#top', '/work?tab=open&x=%2F%2Fevil.example#top'],
    ['/work?next=//evil.example', '/work?next=//evil.example'],
    ['http://localhost:3000/work?x=1', '/work?x=1'],
    ['//localhost:3000/work', '/work'],
    ['/caf%C3%A9', '/caf%C3%A9'],
    ['/caf\u00e9?q=\u00fc#\u00df', '/caf%C3%A9?q=%C3%BC#%C3%9F'],
    ['/\u{1F600}', '/%F0%9F%98%80'],
    ['/two words?q=a b', '/two%20words?q=a%20b'],
    ['/\u2028/evil.example', '/%E2%80%A8/evil.example'],
    ['/\ufeff/evil.example', '/%EF%BB%BF/evil.example'],
    ['/\u00ad/evil.example', '/%C2%AD/evil.example'],
    ['/\uff0f\uff0fevil.example', '/%EF%BC%8F%EF%BC%8Fevil.example'],
    ['/%2f/evil.example', '/%2f/evil.example'],
    ['/%5cevil.example', '/%5cevil.example'],
    ['/%09/evil.example', '/%09/evil.example'],
    ['/%0d%0aSet-Cookie:a=b', '/%0d%0aSet-Cookie:a=b'],
    ['/%c0%af/evil.example', '/%c0%af/evil.example'],
    ['/%E2%80%A8', '/%E2%80%A8'],
    ['/%00', '/%00'],
    ['/+/evil.example', '/+/evil.example'],
    ['/a/../b', '/b'],
    ['/authors', '/authors'],
    ['/work/auth/sign-out', '/work/auth/sign-out'],
    ['/x@evil.example', '/x@evil.example'],
    ['/:80', '/:80'],
    ['/javascript:alert(1)', '/javascript:alert(1)'],
  ])(
    'such as %j is on the site, even if it does not look like it, and is followed',
    async (target, location) => {
      const { browser } = await visit('http://localhost:3000')
      const callback = await browser.signIn('ada', `?return_to=${encode(target)}`)
      expect(callback.headers.location).toBe(location)
      const arrived = new URL(location, 'http://localhost:3000/auth/bitbucket/callback?code=x')
      expect(arrived.origin).toBe('http://localhost:3000')
      expect(arrived.pathname).not.toMatch(/^\/\//)
    },
  )

  it.each([
    ['/%09/evil.example', '/'],
    ['/%0a/evil.example', '/'],
    ['/%5cevil.example', '/'],
    ['%2f%2fevil.example', '/'],
    ['/%2fevil.example', '/'],
    ['%252f%252fevil.example', '/'],
    ['+//evil.example', '/'],
    ['/+/evil.example', '/%20/evil.example'],
    ['/%c0%af/evil.example', '/%c0%af/evil.example'],
    ['/%e2%80%a8', '/%E2%80%A8'],
    ['/%2509/evil.example', '/%09/evil.example'],
    ['/%252f/evil.example', '/%2f/evil.example'],
    ['/%255cevil.example', '/%5cevil.example'],
    ['/%25252f', '/%252f'],
  ])('written as %s in the query is decoded once', async (written, location) => {
    const { browser } = await visit('http://localhost:3000')
    const callback = await browser.signIn('ada', `?return_to=${written}`)
    expect(callback.headers.location).toBe(location)
  })

  it.each([
    '?return_to=/a&return_to=/b',
    '?return_to=/a&return_to=/a',
    '?return_to[]=/a',
    '?return_to[a]=/b',
    '?returnTo=/a',
    '?RETURN_TO=/a',
    '?redirect_uri=/a&redirect=/a&next=/a&url=/a',
  ])('passed as %s is ignored', async (query) => {
    const { browser } = await visit('http://localhost:3000')
    expect((await browser.signIn('ada', query)).headers.location).toBe('/')
  })

  it('cannot be one of our own routes, whatever their prefix', async () => {
    const { app } = await visit('http://localhost:3000', { prefix: '/account/log-in' })
    for (const [target, kept] of [
      ['/account/log-in/bitbucket/start', null],
      ['/Account/Log-In', null],
      ['/account%2flog-in/sign-out', null],
      ['/account/x/../log-in', null],
      ['/account', '/account'],
      ['/account/log-in-again', '/account/log-in-again'],
      ['/auth/bitbucket/start', '/auth/bitbucket/start'],
    ] as const) {
      const answer = await app.inject({
        url: `/account/log-in/bitbucket/start?return_to=${encode(target)}`,
        headers: { 'sec-fetch-site': 'cross-site' },
      })
      const { searchParams } = new URL(String(answer.headers.location), 'http://localhost:3000')
      expect(searchParams.get('return_to')).toBe(kept)
    }
  })

  it('is passed on when the browser is redirected from another name of this machine to the origin, if it is safe', async () => {
    const { app } = await visit('http://localhost:3000')
    const headers = { host: '127.0.0.1:3000' }
    const start = 'http://localhost:3000/auth/bitbucket/start'
    for (const [name, targets] of Object.entries(FAMILIES)) {
      for (const target of targets(new URL('http://localhost:3000'))) {
        const url = `/auth/bitbucket/start?return_to=${encode(target)}`
        const answer = await app.inject({ url, headers })
        const where = `${name}: ${JSON.stringify(target)}`
        expect(answer.headers.location, where).toBe(`${start}?at_origin=1`)
      }
    }
    const good = await app.inject({ url: '/auth/bitbucket/start?return_to=/work', headers })
    expect(good.headers.location).toBe(`${start}?return_to=%2Fwork&at_origin=1`)
  })
})

describe('a target of a sign-out', () => {
  it.each([
    { return_to: '//evil.example' },
    { return_to: ['//evil.example'] },
    { return_to: { a: '//evil.example' } },
    { return_to: 1 },
    { return_to: null },
    { returnTo: ['/x'] },
  ])('in JSON, %j, is ignored: JSON requests are never redirected', async (body) => {
    const { browser } = await visit('http://localhost:3000')
    const answer = await browser.post('/auth/sign-out?return_to=//evil.example', body)
    expect(answer.statusCode).toBe(204)
    expect(answer.headers.location).toBeUndefined()
  })

  it.each([
    'return_to=//evil.example&return_to=/work',
    'return_to=/work&return_to=//evil.example',
    'return_to[]=//evil.example',
    'return_to[a]=//evil.example',
    'return_to',
    '__proto__[return_to]=//evil.example',
    '__proto__=//evil.example',
  ])('in a form with %s stays on the site', async (payload) => {
    const { app, browser } = await visit('http://localhost:3000')
    const headers = {
      origin: browser.origin,
      'content-type': 'application/x-www-form-urlencoded',
    }
    const answer = await app.inject({ method: 'POST', url: '/auth/sign-out', headers, payload })
    expect(answer.statusCode).toBe(303)
    expect(['/', '/work']).toContain(answer.headers.location)
  })
})

/** Sends the callback that follows a click on Cancel. */
async function cancel(browser: Browser, authorizeUrl: string): Promise<unknown> {
  const state = new URL(authorizeUrl).searchParams.get('state')
  const callback = `/auth/bitbucket/callback?error=access_denied&state=${state}`
  return (await browser.get(callback)).headers.location
}

/** Changes the browser's only flow and seals it again, as only the application could. */
function resealFlow(browser: Browser, change: Record<string, string>): void {
  const [, name = '', value = ''] = /(\S+-flow-[\w-]+)=([\w-]+)/.exec(browser.cookies()) ?? []
  const { open, seal } = createSeal([SECRET], 'flow')
  const flow = JSON.parse(open(value, name) ?? '')
  const secure = browser.origin.startsWith('https:') ? '; Secure' : ''
  const cookie = `${name}=${seal(JSON.stringify({ ...flow, ...change }), name)}; Path=/${secure}`
  browser.jar.setCookieSync(cookie, browser.origin)
}

/**
 * Escapes a target as a browser does. A lone surrogate, which encodeURIComponent rejects, becomes
 * its bytes.
 */
function encode(target: string): string {
  return target.isWellFormed() ? encodeURIComponent(target) : '%2F%ED%A0%80'
}
