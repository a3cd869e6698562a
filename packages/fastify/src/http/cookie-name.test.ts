import { describe, expect, it } from 'vitest'
import type { LatchkeyOptions } from '../index.ts'
import { buildApp, HTTPS_ORIGIN, onHttps, SECRET, setUpEmulator } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'

const emulator = setUpEmulator()

const namesIn = (browser: Browser): string[] =>
  browser
    .cookies()
    .split('; ')
    .map((cookie) => cookie.split('=', 1)[0] ?? '')

describe('cookieName', () => {
  it.each([
    ['on https', () => onHttps(emulator()), '__Host-acme'],
    ['in development', () => ({}), 'acme-3000'],
  ] as const)('%s is part of the names of all three cookies', async (_where, place, name) => {
    const options: LatchkeyOptions = place()
    const app = await buildApp(emulator(), { ...options, cookieName: 'acme' })
    const browser = createBrowser(app, options.origin)
    await browser.signIn('ada')
    await browser.start()
    expect(namesIn(browser)).toEqual([
      name,
      `${name}-last`,
      expect.stringMatching(new RegExp(`^${name}-flow-[\\w-]{10}$`)),
    ])
  })

  it.each([
    ['', 'must be 1 to 64 letters, digits, - or _'],
    ['a'.repeat(65), 'must be 1 to 64 letters, digits, - or _'],
    ['ac me', 'must be 1 to 64 letters, digits, - or _'],
    ['acme=', 'must be 1 to 64 letters, digits, - or _'],
    ['acme;', 'must be 1 to 64 letters, digits, - or _'],
    ['caf\u00e9', 'must be 1 to 64 letters, digits, - or _'],
    [7, 'must be 1 to 64 letters, digits, - or _'],
    ['__Host-acme', 'must not begin with a cookie prefix'],
    ['__host-acme', 'must not begin with a cookie prefix'],
    ['__Secure-acme', 'must not begin with a cookie prefix'],
    ['acme-last', 'must not end in `-last`'],
    ['acme-posted', 'must not end in `-last`, `-posted` or `-refusal`'],
    ['acme-refusal', 'must not end in `-last`, `-posted` or `-refusal`'],
    [
      'acme-flow-0123456789',
      'must not end in `-last`, `-posted` or `-refusal` or contain `-flow-`',
    ],
  ])('%j is rejected at boot, with the fix', async (cookieName, message) => {
    await expect(buildApp(emulator(), { cookieName: cookieName as string })).rejects.toMatchObject({
      code: 'LATCHKEY_OPTION_INVALID',
      message: expect.stringContaining(`Option \`cookieName\` ${message}`),
    })
  })

  it.each(['a', 'A_b-9', 'a'.repeat(64)])('%s is accepted', async (cookieName) => {
    const app = await buildApp(emulator(), { cookieName })
    expect((await createBrowser(app).signIn('ada')).headers.location).toBe('/')
  })
})

const OTHER_SECRET = [...SECRET].reverse().join('')

/**
 * Two applications on one https host, for example on two ports, and one browser as seen by each of them.
 */
async function shareHost(
  cookieNames: readonly [string | undefined, string | undefined],
): Promise<[Browser, Browser]> {
  const [cookieName, otherName] = cookieNames
  const https = onHttps(emulator())
  const app = await buildApp(emulator(), { ...https, cookieName })
  const other = await buildApp(emulator(), {
    ...https,
    cookieName: otherName,
    secret: OTHER_SECRET,
  })
  const browser = createBrowser(app, HTTPS_ORIGIN)
  return [browser, createBrowser(other, HTTPS_ORIGIN, browser.jar)]
}

const statusIn = async (browser: Browser): Promise<number> =>
  (await browser.get('/api/me')).statusCode

describe('two applications on one https host', () => {
  it('with different names do not sign each other out or clear each other’s flows', async () => {
    const [one, other] = await shareHost([undefined, 'acme'])
    await one.signIn('ada')
    await other.signIn('ben')
    expect([await statusIn(one), await statusIn(other)]).toEqual([200, 200])

    const url = await one.start('?return_to=/one')
    for (let flow = 0; flow < 8; flow++) await other.start('?return_to=/other')
    const otherUrl = await other.start('?return_to=/other')
    for (let flow = 0; flow < 4; flow++) await one.start()
    const callbacks = [
      await one.consent(url, { user: 'ada' }),
      await other.consent(otherUrl, { user: 'ben' }),
    ] as const
    expect((await other.get(callbacks[1])).headers.location).toBe('/other')
    expect((await one.get(callbacks[0])).headers.location).toBe('/one')
    expect([await statusIn(one), await statusIn(other)]).toEqual([200, 200])

    await other.post('/auth/sign-out')
    expect([await statusIn(one), await statusIn(other)]).toEqual([200, 401])
  })

  it('with the same name keep each other’s flows', async () => {
    const [one, other] = await shareHost([undefined, undefined])
    const urls: string[] = []
    for (let flow = 0; flow < 5; flow++) urls.push(await other.start('?return_to=/other'))
    const first = await one.start('?return_to=/one')
    for (let flow = 0; flow < 4; flow++) await one.start()
    expect(namesIn(one)).toHaveLength(10)
    const callback = await one.consent(first, { user: 'ada' })
    const otherCallback = await other.consent(urls[0] ?? '', { user: 'ben' })
    expect((await one.get(callback)).headers.location).toBe('/one')
    expect((await other.get(otherCallback)).headers.location).toBe('/other')
  })

  it('with the same name drop the oldest flows when the header would get too long', async () => {
    const [one, other] = await shareHost([undefined, undefined])
    const long = `?return_to=${encodeURIComponent(`/${'~'.repeat(511)}`)}`
    const referer = { referer: `${HTTPS_ORIGIN}/${'b'.repeat(255)}` }
    for (let flow = 0; flow < 5; flow++) await other.start(long, referer)
    const [oldest, ...others] = namesIn(other)
    const url = await one.start(long, referer)
    expect(namesIn(one)).toEqual([...others, expect.any(String)])
    expect(namesIn(one)).not.toContain(oldest)
    for (let flow = 0; flow < 8; flow++) {
      await one.start(long, referer)
      expect(one.cookies().length).toBeLessThan(8 * 1024)
    }
    // By now, all flows of the other application have been dropped, and five of its own remain.
    expect(namesIn(one)).toHaveLength(5)
    expect(namesIn(one).filter((name) => others.includes(name))).toEqual([])
    expect(url).toContain('state=')
  })
})
