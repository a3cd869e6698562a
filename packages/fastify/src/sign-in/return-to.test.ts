import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { bitbucket } from '../providers/bitbucket.ts'
import { buildApp, HTTPS_ORIGIN, onHttps, setUpEmulator } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'

const emulator = setUpEmulator()

/** Returns a path of `length` characters that cannot be compressed. */
function pageOf(length: number): string {
  const random = randomBytes(length).toString('base64url')
  return `${`/reports/2026?filter=${random}`.slice(0, length - 4)}#top`
}

const startWith = (target: string): string => `?return_to=${encodeURIComponent(target)}`

describe('return_to', () => {
  it.each([513, 2000])('keeps a target of %i characters', async (length) => {
    const target = pageOf(length)
    const browser = createBrowser(await buildApp(emulator()))
    const signedIn = await browser.signIn('ada', startWith(target))
    expect(signedIn.headers.location).toBe(target)
  })

  it('keeps a long target through the sign-in page', async () => {
    const target = pageOf(2000)
    const browser = createBrowser(await buildApp(emulator()))
    const page = await browser.get(`/auth/sign-in${startWith(target)}`)
    const [, start = ''] = /href="(\/auth\/bitbucket\/start[^"]*)"/.exec(page.body) ?? []
    const url = new URL(start.replaceAll('&amp;', '&'), 'http://localhost:3000')
    expect(url.searchParams.get('return_to')).toBe(target)
  })

  it('percent-encodes non-ASCII characters', async () => {
    const browser = createBrowser(await buildApp(emulator()))
    const signedIn = await browser.signIn('ada', startWith('/café?q=日本#ß'))
    expect(signedIn.headers.location).toBe('/caf%C3%A9?q=%E6%97%A5%E6%9C%AC#%C3%9F')
  })

  it.each([
    [
      '2,001 characters',
      pageOf(2001),
      '/reports/2026',
      'is 2001 characters long; the limit is 2000',
    ],
    [
      '2,001 characters once encoded',
      `/é?${'é'.repeat(332)}x`,
      '/%C3%A9',
      'is 2001 characters long',
    ],
    ['a path of 2,001 characters', `/${'x'.repeat(2000)}?y`, '/', 'The browser returns to `/`.'],
    ['another origin', 'https://evil.example/', '/', 'is not a page of http://localhost:3000'],
    ['a route of Latchkey', '/auth/session', '/', 'or is below /auth'],
  ])(
    'with %s is shortened or replaced, with a warning in development',
    async (_what, target, kept, warning) => {
      const lines: string[] = []
      const write = (line: string): void => void lines.push(line)
      const browser = createBrowser(await buildApp(emulator(), {}, { write }))
      const signedIn = await browser.signIn('ada', startWith(target))
      expect(signedIn.headers.location).toBe(kept)
      const warnings = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 40)
      expect(warnings.map(({ msg }) => msg)).toEqual([expect.stringContaining(warning)])
      expect(warnings[0].msg).not.toContain(target)
    },
  )

  it('keeps the path of a long target after a sign-out too', async () => {
    const app = await buildApp(emulator())
    const headers = {
      origin: 'http://localhost:3000',
      'content-type': 'application/x-www-form-urlencoded',
    }
    const payload = new URLSearchParams({ return_to: pageOf(3000) }).toString()
    const answer = await app.inject({ method: 'POST', url: '/auth/sign-out', headers, payload })
    expect(answer.headers.location).toBe('/reports/2026')
  })

  it('fits into one cookie together with the longest values of a flow', async () => {
    const host = `https://${'h'.repeat(60)}.${'o'.repeat(60)}.${'s'.repeat(60)}.example.com`
    const id = `b${'i'.repeat(31)}`
    const app = await buildApp(emulator(), {
      origin: host,
      cookieName: 'c'.repeat(64),
      providers: [bitbucket({ id, emulatorUrl: emulator().url })],
    })
    const popup = 'p'.repeat(64)
    const referer = host + pageOf(256)
    const answer = await app.inject({
      url: `/auth/${id}/start${startWith(pageOf(2000))}&popup=${popup}`,
      headers: { referer },
    })
    const [pair = ''] = String(answer.headers['set-cookie']).split(';', 1)
    expect(pair.length).toBeGreaterThan(2000)
    // Browsers reject longer cookies: https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.6
    expect(pair.length).toBeLessThan(4096)
  })

  it('drops the oldest flows rather than let their cookies exceed 8 kB', async () => {
    const browser = createBrowser(await buildApp(emulator(), onHttps(emulator())), HTTPS_ORIGIN)
    const targets = Array.from({ length: 4 }, () => pageOf(2000))
    const urls: string[] = []
    for (const target of targets) urls.push(await browser.start(startWith(target)))
    expect(browser.cookies().length).toBeLessThan(8 * 1024)
    expect(browser.cookies().split('; ').length).toBeLessThan(4)
    const callback = await browser.consent(urls.at(-2) ?? '', { user: 'ada' })
    expect((await browser.get(callback)).headers.location).toBe(targets.at(-2))
  })
})
