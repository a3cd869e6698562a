import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { bitbucket } from '../providers/bitbucket.ts'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, countRows, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'
import { countExchanges } from '../testing/refusal.ts'

const emulator = setUpEmulator()

describe('several flows in one browser', () => {
  it('drop the oldest of six, and keep the cookies small', async () => {
    const app = await buildApp(emulator(), {
      origin: 'https://app.example.com',
      providers: [bitbucket({ emulatorUrl: emulator().url })],
    })
    const browser = createBrowser(app, 'https://app.example.com')
    const urls: string[] = []
    for (let flow = 0; flow < 6; flow++) {
      const returnTo = encodeURIComponent(`/${'r'.repeat(511)}`)
      const referer = `https://app.example.com/${'b'.repeat(255)}`
      urls.push(await browser.start(`?return_to=${returnTo}`, { referer }))
    }
    const cookies = browser.cookies().split('; ')
    expect(cookies).toHaveLength(5)
    for (const cookie of cookies) expect(cookie.length).toBeLessThan(4096)
    expect(browser.cookies().length).toBeLessThan(8 * 1024)
    const states = urls.map((url) => new URL(url).searchParams.get('state') ?? '')
    const kept = states.map((state) => {
      const name = createHash('sha256').update(state).digest('base64url').slice(0, 10)
      return cookies.some((cookie) => cookie.startsWith(`__Host-latchkey-flow-${name}=`))
    })
    expect(kept).toEqual([false, true, true, true, true, true])
  })

  it.each([
    ['no Referer', {}],
    ['a Referer that is too long', { referer: `https://app.example.com/${'~'.repeat(510)}` }],
  ])('fit into the browser’s cookies with the longest targets and %s', async (_what, headers) => {
    const app = await buildApp(emulator(), {
      origin: 'https://app.example.com',
      providers: [bitbucket({ emulatorUrl: emulator().url })],
    })
    for (const target of [`/${'~'.repeat(511)}`, `/#${'|'.repeat(510)}`, `/${'"'.repeat(511)}`]) {
      const browser = createBrowser(app, 'https://app.example.com')
      for (let flow = 0; flow < 6; flow++) {
        await browser.start(`?return_to=${encodeURIComponent(target)}`, headers)
      }
      expect(browser.cookies().length).toBeLessThan(8 * 1024)
    }
  })

  it('return to the sign-in page with the longest target if there is no Referer', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    const target = `/${'~'.repeat(511)}`
    const url = await browser.start(`?return_to=${encodeURIComponent(target)}`)
    const answer = await browser.get(await browser.consent(url, { decision: 'deny' }))
    const back = new URL(String(answer.headers.location), 'http://localhost:3000')
    expect(back.pathname).toBe('/auth/sign-in')
    expect(back.searchParams.get('return_to')).toBe(target)
  })

  it('are deleted after a cancellation, once they have expired on every server’s clock', async () => {
    const file = temporaryFile()
    let now = Date.now()
    const app = await buildApp(emulator(), { store: sqlite(file), clock: () => now })
    const cancel = async (): Promise<void> => {
      const browser = createBrowser(app)
      await browser.get(await browser.consent(await browser.start(), { decision: 'deny' }))
    }
    for (let flow = 0; flow < 5; flow++) await cancel()
    expect(countRows(file, 'used_flows')).toBe(5)
    now += 70 * 60 * 1000 + 1
    await cancel()
    expect(countRows(file, 'used_flows')).toBe(1)
  })

  it('start despite a cookie with another name, which is left alone', async () => {
    const app = await buildApp(emulator())
    for (const name of ['x y', '"', 'caf\u00e9', '', '<script>', 'AAAAAAAAAAA', 'AAAAAAAAA']) {
      const cookie = `latchkey-3000-flow-${name}=1`
      const start = await app.inject({ url: '/auth/bitbucket/start', headers: { cookie } })
      expect(start.statusCode).toBe(303)
      expect(start.headers['set-cookie']).toMatch(/^latchkey-3000-flow-[\w-]{10}=[\w-]{28}/)
    }
  })
})

describe('a cancelled sign-in', () => {
  it('returns to the page where it began, without a request to Bitbucket', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    const referer = 'http://localhost:3000/pricing?plan=team&auth_error=flow_expired#faq'
    const url = await browser.start('?return_to=/work', { referer })
    const answer = await browser.get(await browser.consent(url, { decision: 'deny' }))
    expect(answer.headers.location).toBe('/pricing?plan=team&auth_error=access_denied#faq')
    expect(countExchanges(emulator())).toBe(0)
    const again = await browser.signIn('ada')
    expect(again.headers.location).toBe('/')
  })

  it('returns to the hosted page if it began there, and keeps the target', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    const referer = 'http://localhost:3000/auth/sign-in?return_to=%2Fwork'
    const url = await browser.start('?return_to=/work', { referer })
    const answer = await browser.get(await browser.consent(url, { decision: 'deny' }))
    expect(answer.headers.location).toBe('/auth/sign-in?return_to=%2Fwork&auth_error=access_denied')
    const page = await browser.get(answer.headers.location as string)
    expect(page.body).toContain('You cancelled the sign-in.')
    expect(page.body).toContain('/auth/bitbucket/start?return_to=%2Fwork')
  })

  it.each(['user_cancelled_login', 'user_cancelled_authorize'])(
    'is recognized by the word of LinkedIn or Apple for it: %s',
    async (error) => {
      const browser = createBrowser(await buildApp(emulator()))
      const { searchParams } = new URL(await browser.start())
      const query = new URLSearchParams({ error, state: String(searchParams.get('state')) })
      const { headers } = await browser.get(`/auth/bitbucket/callback?${query}`)
      expect(headers.location).toContain('auth_error=access_denied')
      expect(countExchanges(emulator())).toBe(0)
    },
  )
})

describe('hints for the provider', () => {
  it('passes valid login_hint and prompt values on, and drops everything else', async () => {
    const app = await buildApp(emulator())
    const ask = async (query: string): Promise<URLSearchParams> => {
      return new URL(await createBrowser(app).start(query)).searchParams
    }
    const good = await ask('?login_hint=ada%40example.com&prompt=select_account')
    expect([good.get('login_hint'), good.get('prompt')]).toEqual([
      'ada@example.com',
      'select_account',
    ])
    const bad = await ask(`?login_hint=${'x'.repeat(321)}&prompt=evil&scope=repository&client_id=x`)
    expect([bad.get('login_hint'), bad.get('prompt')]).toEqual([null, null])
    expect([bad.get('scope'), bad.get('client_id')]).toEqual(['account email', 'latchkey-dev'])
  })
})

describe('the session after a sign-in', () => {
  it('starts now, and its cookie expires with it', async () => {
    const now = 1_790_000_000_000
    const app = await buildApp(emulator(), { clock: () => now })
    const browser = createBrowser(app)
    const callback = await browser.signIn('ada')
    const month = 30 * 24 * 60 * 60
    expect(String(callback.headers['set-cookie'])).toMatch(
      new RegExp(`latchkey-3000=[\\w.-]+; Max-Age=${month};`),
    )
    expect((await browser.get('/auth/session')).json().session).toMatchObject({
      createdAt: now,
      authenticatedAt: now,
      expiresAt: now + month * 1000,
    })
  })

  it('is new, even if a session cookie was planted before', async () => {
    const app = await buildApp(emulator())
    const attacker = createBrowser(app)
    await attacker.signIn('ben')
    const victim = createBrowser(app)
    const planted = attacker.cookies().split('; ')[0] ?? ''
    victim.jar.setCookieSync(planted, 'http://localhost:3000/')
    await victim.signIn('ada')
    expect(victim.cookies()).not.toContain(planted)
    expect((await attacker.get('/api/me')).statusCode).toBe(401)
    expect((await victim.get('/auth/session')).json()).toMatchObject({ user: { name: 'Ada Test' } })
  })

  it('ends after 30 days, even if the browser keeps the cookie', async () => {
    let now = Date.now()
    const session = { idleTimeout: 60 * 24 * 60 * 60 * 1000 }
    const app = await buildApp(emulator(), { session, clock: () => now })
    const browser = createBrowser(app)
    await browser.signIn('ada')
    const cookie = browser.cookies()
    now += 30 * 24 * 60 * 60 * 1000 - 1
    expect((await app.inject({ url: '/api/me', headers: { cookie } })).statusCode).toBe(200)
    now += 1
    expect((await app.inject({ url: '/api/me', headers: { cookie } })).statusCode).toBe(401)
  })

  it('never appears in a response body, and provider tokens never appear in a response', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    const callback = await browser.signIn('ada')
    const secret = /latchkey-3000=[\w-]+\.([\w-]+)/.exec(browser.cookies())?.[1] ?? 'missing'
    const answers = [callback]
    for (const path of ['/auth/session', '/auth/providers', '/auth/sign-in', '/api/me', '/']) {
      answers.push(await browser.get(path))
    }
    const bearer = emulator().requests.find(({ path }) => path === '/2.0/user')?.headers
    const token = bearer?.authorization?.slice('Bearer '.length) ?? 'missing'
    expect(token.length).toBeGreaterThan(1900)
    for (const { body, headers } of answers) {
      expect(body).not.toContain(secret)
      expect(body + JSON.stringify(headers)).not.toContain(token)
    }
  })
})
