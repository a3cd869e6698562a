import cookie from '@fastify/cookie'
import Fastify from 'fastify'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import latchkey, { type LatchkeyOptions } from '../index.ts'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, HTTPS_ORIGIN, onHttps, SECRET, setUpEmulator } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'
import { everyAnswer } from '../testing/every-answer.ts'
import { sendRaw } from '../testing/raw-request.ts'

const emulator = setUpEmulator()

const FLOW = 10 * 60
const MONTH = 30 * 24 * 60 * 60
const YEAR = 365 * 24 * 60 * 60

/** The two kinds of origin, and the names and attributes of their cookies. */
const PLACES: readonly [string, () => LatchkeyOptions, name: string, attributes: string[]][] = [
  [
    'on https',
    () => onHttps(emulator()),
    '__Host-latchkey',
    ['Path=/', 'HttpOnly', 'Secure', 'SameSite=Lax'],
  ],
  ['in development', () => ({}), 'latchkey-3000', ['Path=/', 'HttpOnly', 'SameSite=Lax']],
]

interface SetCookie {
  readonly name: string
  readonly value: string
  readonly maxAge: number
  /** All attributes of the cookies, in their serialized form. */
  readonly attributes: string[]
}

function parse(header: string): SetCookie {
  const [pair = '', maxAge = '', ...attributes] = header.split('; ')
  const equals = pair.indexOf('=')
  expect(maxAge).toMatch(/^Max-Age=\d+$/)
  return {
    name: pair.slice(0, equals),
    value: pair.slice(equals + 1),
    maxAge: Number(maxAge.slice('Max-Age='.length)),
    attributes,
  }
}

describe('the cookies of every response', () => {
  it.each(PLACES)(
    '%s have all required attributes, even on errors',
    async (_w, place, name, all) => {
      const setBy = new Map<string, string[]>()
      for (const [what, { headers }] of await everyAnswer(emulator(), place())) {
        const cookies = [headers['set-cookie'] ?? []].flat().map(parse)
        for (const { attributes, value } of cookies) {
          expect(attributes).toEqual(all)
          expect(value).toMatch(/^[\w.-]*$/)
        }
        if (cookies.length === 0) continue
        const said = cookies.map(({ name: full, value, maxAge }) => {
          const kind = full.replace(name, 'latchkey').replace(/-flow-[\w-]{10}$/, '-flow')
          expect(value === '').toBe(maxAge === 0)
          return `${kind} ${maxAge}`
        })
        setBy.set(what, said)
      }

      const cleared = ['latchkey-flow 0']
      const expected: Record<string, string[]> = {
        'a start': [`latchkey-flow ${FLOW}`],
        'a start that drops the oldest flow': ['latchkey-flow 0', `latchkey-flow ${FLOW}`],
        'a cancelled callback': cleared,
        'a refused callback': cleared,
        'a callback while the provider is unavailable': cleared,
        'a late callback': cleared,
        'a callback': ['latchkey-flow 0', `latchkey ${MONTH}`, `latchkey-last ${YEAR}`],
        'a used callback': ['latchkey-flow 0', `latchkey-flow ${FLOW}`],
        'a sign-out of the others': [`latchkey ${MONTH}`],
        'ending a session': ['latchkey 0'],
        'a sign-out by form': ['latchkey 0'],
        'a sign-out': ['latchkey 0'],
        'a callback without the store': cleared,
      }
      // In development, a start under another name of this machine is first redirected to the origin.
      const atOtherName = name.startsWith('__Host-') && {
        'a start at 127.0.0.1': ['latchkey-flow 0', `latchkey-flow ${FLOW}`],
      }
      expect(Object.fromEntries(setBy)).toEqual({ ...expected, ...atOtherName })
    },
  )

  it('ignore the application’s own cookie options', async () => {
    const app = Fastify()
    await app.register(cookie, {
      secret: 'the application signs its cookies',
      parseOptions: { domain: 'example.com', signed: true, path: '/elsewhere' },
    })
    await app.register(latchkey, {
      ...onHttps(emulator()),
      secret: SECRET,
      store: sqlite(':memory:'),
    })
    const browser = createBrowser(app, HTTPS_ORIGIN)
    await browser.signIn('ada')
    expect((await browser.get('/auth/session')).json()).toMatchObject({
      user: { name: 'Ada Test' },
    })
    await app.close()
  })
})

describe('a cleared cookie', () => {
  // Like browsers, the cookie jar ignores a `__Host-` cookie without `Secure` and `Path=/`, even a deletion.
  it.each(PLACES)('%s is removed from the browser', async (_where, place, name) => {
    const app = await buildApp(emulator(), place())
    const browser = createBrowser(app, place().origin)
    const names = async (): Promise<string[]> => {
      const cookies = await browser.jar.getCookies(place().origin ?? 'http://localhost:3000')
      return cookies.map(({ key }) => key.replace(/-flow-.*/, '-flow'))
    }
    const url = await browser.start()
    expect(await names()).toEqual([`${name}-flow`])
    await browser.get(await browser.consent(url, { decision: 'deny' }))
    expect(await names()).toEqual([])
    await browser.signIn('ada')
    expect(await names()).toEqual([name, `${name}-last`])
    await browser.post('/auth/sign-out')
    expect(await names()).toEqual([`${name}-last`])
  })
})

describe('a browser with the longest possible cookies', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
  afterEach(() => void vi.useRealTimers())

  const LONGEST = `?return_to=${encodeURIComponent(`/${'~'.repeat(511)}`)}`
  const referer = `${HTTPS_ORIGIN}/${'b'.repeat(255)}`

  const request = (path: string, browser: Browser): string[] => {
    return [`GET ${path} HTTP/1.1`, 'Host: app.example.com', `Cookie: ${browser.cookies()}`]
  }

  it('can still reach the server and sign in', async () => {
    const app = await buildApp(emulator(), onHttps(emulator()))
    const browser = createBrowser(app, HTTPS_ORIGIN)
    await browser.signIn('ada')
    let url = ''
    for (let flow = 0; flow < 6; flow++) url = await browser.start(LONGEST, { referer })
    const cookies = browser.cookies().split('; ')
    expect(cookies).toHaveLength(5 + 2)
    for (const cookie of cookies) expect(cookie.length).toBeLessThan(4096)
    expect(browser.cookies().length).toBeLessThan(8 * 1024)

    await app.listen({ port: 0, host: '127.0.0.1' })
    const callback = await browser.consent(url, { user: 'ben' })
    const answer = await sendRaw(app, request(callback, browser))
    expect(answer).toMatch(/^HTTP\/1\.1 303 /)
    expect(answer).toMatch(/^set-cookie: __Host-latchkey=[\w.-]+; /m)
  })

  it('in a dozen tabs is rejected by Node, and accepted again once the flows have expired', async () => {
    const app = await buildApp(emulator(), onHttps(emulator()))
    const browser = createBrowser(app, HTTPS_ORIGIN)
    await Promise.all(Array.from({ length: 12 }, () => browser.start(LONGEST, { referer })))
    expect(browser.cookies().split('; ')).toHaveLength(12)
    await app.listen({ port: 0, host: '127.0.0.1' })
    expect(await sendRaw(app, request('/auth/session', browser))).toMatch(/^HTTP\/1\.1 431 /)
    vi.setSystemTime(Date.now() + FLOW * 1000 + 1)
    expect(await sendRaw(app, request('/auth/session', browser))).toMatch(/^HTTP\/1\.1 200 /)
    expect((await browser.signIn('ada')).headers.location).toBe('/')
  })

  it('in a dozen tabs drops all but five flows at its next start, if the server accepts such large headers', async () => {
    const app = await buildApp(emulator(), onHttps(emulator()))
    const browser = createBrowser(app, HTTPS_ORIGIN)
    await Promise.all(Array.from({ length: 12 }, () => browser.start(LONGEST, { referer })))
    await browser.start()
    expect(browser.cookies().split('; ')).toHaveLength(5)
  })
})
