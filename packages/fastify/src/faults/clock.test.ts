import { describe, expect, it, onTestFinished } from 'vitest'
import { bitbucket } from '../providers/bitbucket.ts'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, countRows, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'
import { countExchanges } from '../testing/refusal.ts'

const emulator = setUpEmulator()
const HOUR = 60 * 60 * 1000
const DAY = 24 * HOUR
const YEAR = 365 * DAY
const noon = Date.UTC(2027, 2, 28, 12)
/** Long enough that a session ends because of its age, not because it is idle. */
const session = { idleTimeout: 60 * DAY }

describe('a clock that was wrong when a person signed in', () => {
  it.each([
    ['an hour ahead', HOUR],
    ['a minute and a half ahead', 90_000],
    ['a minute and a half behind', -90_000],
    ['an hour behind', -HOUR],
  ])('(%s) has no effect', async (_what, error) => {
    let now = noon + error
    const app = await buildApp(emulator(), { session, clock: () => now })
    const browser = createBrowser(app)
    await browser.signIn('ada')
    now = noon
    expect((await browser.get('/api/me')).statusCode).toBe(200)
    now = noon + 30 * DAY - HOUR - 1
    expect((await browser.get('/api/me')).statusCode).toBe(200)
    now = noon + 30 * DAY + HOUR
    expect((await browser.get('/api/me')).statusCode).toBe(401)
  })

  it('(a year ahead) creates a session that ends when the clock is corrected', async () => {
    let now = noon + YEAR
    const app = await buildApp(emulator(), { session, clock: () => now })
    const browser = createBrowser(app)
    await browser.signIn('ada')
    expect((await browser.get('/api/me')).statusCode).toBe(200)
    now = noon
    expect((await browser.get('/api/me')).statusCode).toBe(401)
    expect((await browser.signIn('ada')).headers.location).toBe('/')
    expect((await browser.get('/api/me')).statusCode).toBe(200)
  })

  it('(a year behind) creates a session that ends when the clock is corrected, and the next one is good', async () => {
    let now = noon - YEAR
    const app = await buildApp(emulator(), { session, clock: () => now })
    const browser = createBrowser(app)
    await browser.signIn('ada')
    now = noon
    expect((await browser.get('/api/me')).statusCode).toBe(401)
    expect((await browser.signIn('ada')).headers.location).toBe('/')
    expect((await browser.get('/api/me')).statusCode).toBe(200)
  })
})

describe('a clock that jumps while a person is at the provider', () => {
  it.each([
    ['an hour back', -HOUR, '/'],
    ['a year back', -YEAR, '/auth/sign-in?auth_error=flow_expired'],
    ['an hour ahead', HOUR, '/auth/sign-in?auth_error=flow_expired'],
    ['a year ahead', YEAR, '/auth/sign-in?auth_error=flow_expired'],
  ])('(%s) signs them in or tells them to start again', async (_what, jump, location) => {
    let now = noon
    const app = await buildApp(emulator(), { session, clock: () => now })
    const browser = createBrowser(app)
    const callback = await browser.consent(await browser.start(), { user: 'ada' })
    now += jump
    expect((await browser.get(callback)).headers.location).toBe(location)
    expect((await browser.signIn('ada')).headers.location).toBe('/')
    now += 30 * DAY
    expect((await browser.get('/api/me')).statusCode).toBe(401)
  })
})

describe('a clock that jumps while the provider responds', () => {
  it.each([-YEAR, -HOUR, HOUR, YEAR])(
    'by %i ms changes neither the timeout nor the lifetime of the session',
    async (jump) => {
      let now = noon
      const real = bitbucket({ emulatorUrl: emulator().url })
      const app = await buildApp(emulator(), {
        session,
        clock: () => now,
        providerTimeout: 1000,
        providers: [
          {
            ...real,
            clientSecret() {
              now += jump
              return String(real.clientSecret)
            },
          },
        ],
      })
      const browser = createBrowser(app)
      emulator().answerNext('GET /2.0/user', { fault: 'hang' })
      const late = await browser.signIn('ada')
      expect(late.headers.location).toBe('/auth/sign-in?auth_error=provider_unavailable')
      emulator().reset()
      const callback = await browser.signIn('ada')
      expect(callback.headers.location).toBe('/')
      expect(String(callback.headers['set-cookie'])).toMatch(
        /latchkey-3000=[^;]+; Max-Age=2592000;/,
      )
      now += 30 * DAY - 1
      expect((await browser.get('/api/me')).statusCode).toBe(200)
      now += 1
      expect((await browser.get('/api/me')).statusCode).toBe(401)
    },
  )
})

describe('a clock that jumps an hour ahead and back', () => {
  it('does not make a callback valid for a second time', async () => {
    let now = noon
    const app = await buildApp(emulator(), { session, clock: () => now })
    const browser = createBrowser(app)
    const callback = await browser.consent(await browser.start(), { user: 'ada' })
    const cookie = browser.cookies()
    await app.inject({ url: callback, headers: { cookie } })
    now += HOUR
    await createBrowser(app).signIn('ben')
    now -= HOUR
    const again = await app.inject({ url: callback, headers: { cookie } })
    expect(again.headers.location).toMatch(`${emulator().url}/site/oauth2/authorize?`)
    expect(countExchanges(emulator())).toBe(2)
  })
})

describe('a clock that was a year ahead when the flow began', () => {
  it('does not keep the flow valid for a year', async () => {
    let now = noon + YEAR
    const app = await buildApp(emulator(), { session, clock: () => now })
    const browser = createBrowser(app)
    const callback = await browser.consent(await browser.start(), { user: 'ada' })
    now = noon
    const answer = await app.inject({ url: callback, headers: { cookie: browser.cookies() } })
    expect(answer.headers.location).toBe('/auth/sign-in?auth_error=flow_expired')
  })
})

describe('two servers with one file, whose clocks are 90 seconds apart', () => {
  it('finish each other’s flows and accept each other’s sessions', async () => {
    const file = temporaryFile()
    const [here, there] = await Promise.all(
      [noon, noon + 90_000].map((now) =>
        buildApp(emulator(), { store: sqlite(file), clock: () => now }),
      ),
    )
    if (here === undefined || there === undefined) throw new Error('There are two servers.')
    for (const [one, other] of [
      [here, there],
      [there, here],
    ] as const) {
      const browser = createBrowser(one)
      const callback = await browser.consent(await browser.start(), { user: 'ada' })
      const cookie = browser.cookies()
      const answer = await other.inject({ url: callback, headers: { cookie } })
      expect(answer.headers.location).toBe('/')
      const [session] = String(answer.headers['set-cookie']).match(/latchkey-3000=[^;]+/) ?? []
      const known = await one.inject({ url: '/api/me', headers: { cookie: session } })
      expect(known.statusCode).toBe(200)
    }
    expect(countRows(file, 'users')).toBe(1)
  })
})

describe('a server whose clock is half an hour ahead of the others’', () => {
  it('does not delete sessions that have expired only by its own clock', async () => {
    const file = temporaryFile()
    const session = { idleTimeout: 20 * 60 * 1000 }
    const [right, ahead] = [
      await buildApp(emulator(), { session, store: sqlite(file), clock: () => noon }),
      await buildApp(emulator(), { session, store: sqlite(file), clock: () => noon + HOUR / 2 }),
    ]
    const browser = createBrowser(right)
    await browser.signIn('ada')
    const other = createBrowser(ahead)
    await other.get(await other.consent(await other.start(), { decision: 'deny' }))
    expect((await browser.get('/api/me')).statusCode).toBe(200)
  })
})

describe('a session that lasts longer than the longest timer', () => {
  it('uses no timer, because it would fire immediately', async () => {
    const warnings: Error[] = []
    const note = (warning: Error): void => void warnings.push(warning)
    process.on('warning', note)
    onTestFinished(() => void process.off('warning', note))
    const browser = createBrowser(await buildApp(emulator()))
    await browser.signIn('ada')
    expect((await browser.get('/api/me')).statusCode).toBe(200)
    await new Promise(setImmediate)
    expect(warnings).toEqual([])
  })
})
