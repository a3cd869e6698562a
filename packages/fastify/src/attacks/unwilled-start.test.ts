import { describe, expect, it } from 'vitest'
import { setUpEmulator } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'
import { buildWatchedApp, setCookies } from '../testing/refusal.ts'

const emulator = setUpEmulator()
const START = '/auth/bitbucket/start'

/** The headers that browsers send, https://www.w3.org/TR/fetch-metadata/ */
const fetchOf = (destination: string, site: string, more = {}): Record<string, string> => ({
  'sec-fetch-dest': destination,
  'sec-fetch-site': site,
  'sec-fetch-mode': destination === 'document' ? 'navigate' : 'no-cors',
  ...more,
})

describe('a start that no one clicked', () => {
  it.each([
    'image',
    'iframe',
    'frame',
    'embed',
    'object',
    'script',
    'style',
    'font',
    'audio',
    'empty',
    'manifest',
    'worker',
    'fencedframe',
    'anything-new',
  ])('that is the source of an %s, on any page, gets 403', async (destination) => {
    const { app, expectNoEffect } = await buildWatchedApp(emulator())
    const browser = createBrowser(app)
    const underWay = await browser.consent(await browser.start(), { user: 'ada' })
    for (const site of ['cross-site', 'same-site', 'same-origin', 'none']) {
      const headers = fetchOf(destination, site)
      const answer = await expectNoEffect(() => browser.get(START, headers))
      expect(answer.statusCode).toBe(403)
      expect(answer.json().error.code).toBe('forbidden')
      expect(setCookies(answer)).toEqual([])
    }
    expect((await browser.get(underWay)).headers.location).toBe('/')
  })

  it.each([
    { 'sec-purpose': 'prefetch' },
    { 'sec-purpose': 'prefetch;prerender' },
    { 'sec-purpose': 'prefetch;anonymous-client-ip' },
    { 'sec-purpose': 'Prefetch' },
    { purpose: 'prefetch' },
    { purpose: 'preview' },
    { 'x-purpose': 'preview' },
    { 'x-moz': 'prefetch' },
    fetchOf('document', 'none', { 'x-moz': 'prefetch' }),
    fetchOf('document', 'none', { 'sec-purpose': 'prefetch' }),
    fetchOf('document', 'same-origin', { 'sec-purpose': 'prefetch;prerender' }),
    fetchOf('empty', 'cross-site', { 'sec-purpose': 'prefetch' }),
  ])('prefetched with %o gets 503', async (headers) => {
    const { app, expectNoEffect } = await buildWatchedApp(emulator())
    const browser = createBrowser(app)
    const underWay = await browser.consent(await browser.start(), { user: 'ada' })
    const answer = await expectNoEffect(() => browser.get(START, headers as Record<string, string>))
    expect(answer.statusCode).toBe(503)
    expect(answer.json().error.code).toBe('prefetch_refused')
    expect(setCookies(answer)).toEqual([])
    expect((await browser.get(underWay)).headers.location).toBe('/')
  })

  it.each(['cross-site', 'same-site', 'anything-new'])(
    'from a %s link or redirect goes to our page first, whose button keeps the target',
    async (site) => {
      const { app, expectNoEffect } = await buildWatchedApp(emulator())
      const browser = createBrowser(app)
      const headers = fetchOf('document', site)
      const url = `${START}?return_to=%2Fwork&login_hint=ada&prompt=none`
      const answer = await expectNoEffect(() => browser.get(url, headers))
      expect(answer.statusCode).toBe(303)
      expect(answer.headers.location).toBe('/auth/sign-in?return_to=%2Fwork')
      expect(setCookies(answer)).toEqual([])
      // After a redirect, browsers still send cross-site. Our page must work anyway.
      const page = await browser.get(String(answer.headers.location), headers)
      expect(page.body).toContain('href="/auth/bitbucket/start?return_to=%2Fwork"')
    },
  )

  it.each(['same-origin', 'none'])(
    'does not include a %s navigation, which starts a flow',
    async (site) => {
      const { app } = await buildWatchedApp(emulator())
      const answer = await createBrowser(app).get(START, fetchOf('document', site))
      expect(answer.statusCode).toBe(303)
      expect(answer.headers.location).toContain(`${emulator().url}/site/oauth2/authorize?`)
    },
  )

  it('from a form on another site gets 404', async () => {
    const { app, expectNoEffect } = await buildWatchedApp(emulator())
    const browser = createBrowser(app)
    for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data']) {
      const headers = fetchOf('document', 'cross-site', {
        origin: 'https://evil.example',
        'content-type': type,
      })
      const answer = await expectNoEffect(() => browser.post(START, undefined, headers))
      expect(answer.statusCode).toBe(404)
      expect(setCookies(answer)).toEqual([])
    }
  })
})

describe('a method without a route', () => {
  // The types of inject() do not include TRACE.
  const METHODS = ['HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE', 'TRACE'] as 'HEAD'[]

  it('on the start, the callback or a read-only route gets 404, and does not use up a flow', async () => {
    const { app, expectNoEffect } = await buildWatchedApp(emulator())
    const browser = createBrowser(app)
    const callback = await browser.consent(await browser.start(), { user: 'ada' })
    const headers = { cookie: browser.cookies() }
    for (const method of [...METHODS, 'POST'] as const) {
      for (const url of [START, callback, '/auth/session', '/auth/providers', '/auth/sign-in']) {
        const answer = await expectNoEffect(() => app.inject({ method, url, headers }))
        expect(answer.statusCode).toBe(404)
        expect(setCookies(answer)).toEqual([])
        expect(answer.headers.allow).toBeUndefined()
      }
    }
    expect((await browser.get(callback)).headers.location).toBe('/')
  })

  it('on the sign-out leaves the person signed in', async () => {
    const { app, expectNoEffect } = await buildWatchedApp(emulator())
    const browser = createBrowser(app)
    await browser.signIn('ada')
    const headers = {
      cookie: browser.cookies(),
      origin: 'http://localhost:3000',
      'sec-fetch-site': 'same-origin',
    }
    for (const method of [...METHODS, 'GET'] as const) {
      const answer = await expectNoEffect(() =>
        app.inject({ method, url: '/auth/sign-out', headers }),
      )
      expect(answer.statusCode).toBe(404)
      expect(setCookies(answer)).toEqual([])
    }
    expect((await browser.get('/api/me')).statusCode).toBe(200)
  })

  it('given in a header or a query is ignored', async () => {
    const { app, expectNoEffect } = await buildWatchedApp(emulator())
    const browser = createBrowser(app)
    await browser.signIn('ada')
    const headers = { 'x-http-method-override': 'POST', 'x-method-override': 'POST' }
    const answer = await expectNoEffect(() => browser.get('/auth/sign-out?_method=POST', headers))
    expect(answer.statusCode).toBe(404)
    expect((await browser.get('/api/me')).statusCode).toBe(200)
  })
})
