import { describe, expect, it } from 'vitest'
import { sameOriginPath } from './return-to.ts'
import { buildApp, setUpEmulator } from './testing/app.ts'
import { createBrowser } from './testing/browser.ts'

const ORIGIN = 'http://localhost:3000'
const emulator = setUpEmulator()

/** Targets that a browser, or a careless reader, would take off the site or into our own routes. */
const HOSTILE = [
  '//evil.example',
  '///evil.example',
  '////evil.example',
  '/\\evil.example',
  '\\/evil.example',
  '\\\\evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '/\r/evil.example',
  '\t//evil.example',
  ' //evil.example',
  '\u0000//evil.example',
  '/./\\/evil.example',
  '/.//evil.example',
  '/..//evil.example',
  '/a/..//evil.example',
  '/%2e//evil.example',
  'https:///evil.example',
  'http:evil.example',
  'http:/evil.example',
  'https:evil.example',
  'https:/evil.example',
  'https://evil.example',
  'http://localhost:3000@evil.example',
  'http://localhost:3000:80@evil.example',
  'http://user:password@localhost:3000/',
  'https://evil.example\\@localhost:3000',
  'https://evil.example#@localhost:3000',
  'https://evil.example\\.localhost:3000',
  'http://localhost:3000.evil.example',
  'http://localhost.evil.example:3000',
  'http://localhost:3001/x',
  'http://127.0.0.1:3000/x',
  'https://localhost:3000/x',
  'http://localhost.:3000/x',
  '//2130706433',
  '//0x7f000001',
  '//evil\u3002example',
  '//\u00adevil.example',
  'blob:http://localhost:3000/x',
  'javascript:alert(1)',
  'java\nscript:alert(1)',
  '\u0001javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'data:text/html,x',
  'vbscript:x',
  'file:///etc/passwd',
  'intent:#Intent;scheme=x;end',
  'myapp://x',
  '',
  '?x',
  '#x',
  'evil.example',
  '.evil.example',
  '@evil.example',
  ':80',
  ';@evil.example',
  '/\u2028/evil.example',
  '/\ufeff/evil.example',
  '/ok\r\nSet-Cookie: a=b',
  '/\ud800',
  '/\ud83d\ude00',
  `/${'x'.repeat(64 * 1024)}`,
  '/auth/bitbucket/start',
  '/auth/bitbucket/callback?code=x',
  '/AUTH/sign-out',
  '/auth/../auth/sign-out',
  '/%61uth/sign-out',
  '/auth',
  '/auth/sign-in?return_to=//evil.example',
]

describe('a target that is not a page of the application', () => {
  it.each(HOSTILE)('%j as return_to of a sign-in ends on the front page', async (target) => {
    if (target.length > 10_000) return expect(sameOriginPath(target, ORIGIN)).toBeNull()
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    const callback = await browser.signIn('ada', `?return_to=${encode(target)}`)
    expect(callback.statusCode).toBe(303)
    expect(callback.headers.location).toBe('/')
  })

  it('as return_to of a sign-out, as JSON or as a form, ends on the front page', async () => {
    const app = await buildApp(emulator())
    for (const target of HOSTILE.filter(({ length }) => length < 3000)) {
      const form = await app.inject({
        method: 'POST',
        url: '/auth/sign-out',
        headers: { origin: ORIGIN, 'content-type': 'application/x-www-form-urlencoded' },
        payload: `return_to=${encode(target)}`,
      })
      expect(form.headers.location).toBe('/')
    }
  })

  it('as return_to of the hosted page, or of a start from another site, is dropped', async () => {
    const app = await buildApp(emulator())
    for (const target of HOSTILE.filter(({ length }) => length < 3000)) {
      const page = await app.inject(`/auth/sign-in?return_to=${encode(target)}`)
      expect(page.body).toContain('href="/auth/bitbucket/start"')
      const start = await app.inject({
        url: `/auth/bitbucket/start?return_to=${encode(target)}`,
        headers: { 'sec-fetch-site': 'cross-site' },
      })
      expect(start.headers.location).toBe('/auth/sign-in')
    }
  })

  it('as Referer of the start route is not where a failed attempt goes back to', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    // Header values cannot hold what Node refuses to send.
    const sendable = HOSTILE.filter((target) => /^[\x20-\x7e]{0,2000}$/.test(target))
    for (const referer of sendable.filter((target) => !target.startsWith('/auth/sign-in'))) {
      const url = await browser.start('', { referer })
      const answer = await browser.get(await browser.consent(url, { decision: 'deny' }))
      expect(answer.headers.location).toBe('/auth/sign-in?auth_error=access_denied')
    }
  })

  it('given twice or as a list is dropped', async () => {
    const app = await buildApp(emulator())
    for (const query of ['?return_to=/a&return_to=/b', '?return_to[]=/a', '?return_to[a]=/b']) {
      const callback = await createBrowser(app).signIn('ada', query)
      expect(callback.headers.location).toBe('/')
    }
  })
})

describe('a target on the site', () => {
  it.each([
    ['/work', '/work'],
    ['/work?tab=open&x=%2F%2Fevil.example#top', '/work?tab=open&x=%2F%2Fevil.example#top'],
    ['http://localhost:3000/work?x=1', '/work?x=1'],
    ['/caf%C3%A9', '/caf%C3%A9'],
    ['/%2f/evil.example', '/%2f/evil.example'],
    ['/%5cevil.example', '/%5cevil.example'],
    ['/%E2%80%A8', '/%E2%80%A8'],
    ['/a/../b', '/b'],
    ['/authors', '/authors'],
    ['/x@evil.example', '/x@evil.example'],
  ])('%j is where the sign-in ends', async (target, location) => {
    const app = await buildApp(emulator())
    const callback = await createBrowser(app).signIn('ada', `?return_to=${encode(target)}`)
    expect(callback.headers.location).toBe(location)
    expect(new URL(location, ORIGIN).origin).toBe(ORIGIN)
  })
})

/** As a browser escapes it; a lone surrogate, which encodeURIComponent refuses, as its bytes. */
function encode(target: string): string {
  return target.isWellFormed() ? encodeURIComponent(target) : '%2F%ED%A0%80'
}
