import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { CLOCK_TOLERANCE } from '../sessions/session-life.ts'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, countRows, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'
import { buildWatchedApp, countExchanges, setCookies } from '../testing/refusal.ts'

const emulator = setUpEmulator()

/** Returns the callback URL after the person has agreed, without requesting it. */
async function comeBack(browser: Browser, user: string, query = ''): Promise<string> {
  return browser.consent(await browser.start(query), { user })
}

describe('a callback from another browser', () => {
  it('with a code and an invented state is rejected in a browser without a flow', async () => {
    const { app, expectRefused } = await buildWatchedApp(emulator())
    const attacker = createBrowser(app)
    const victim = createBrowser(app)
    const code = new URL(await comeBack(attacker, 'ada'), 'http://x').searchParams.get('code')
    for (const state of ['x', 'A'.repeat(43)]) {
      const forged = `/auth/bitbucket/callback?code=${code}&state=${state}`
      await expectRefused('flow_missing', () => victim.get(forged))
    }
  })

  it('with the state of its flow is rejected here, and still works there', async () => {
    const { app, expectRefused } = await buildWatchedApp(emulator())
    const attacker = createBrowser(app)
    const victim = createBrowser(app)
    const callback = await comeBack(attacker, 'ada')

    await expectRefused('flow_missing', () => victim.get(callback))
    await victim.start()
    await expectRefused('flow_missing', () => victim.get(callback))
    expect((await victim.get('/auth/session')).json()).toEqual({ user: null, session: null })

    expect((await attacker.get(callback)).headers.location).toBe('/')
    const again = await attacker.get(callback)
    expect(setCookies(again)).toEqual([])
    expect(countExchanges(emulator())).toBe(1)
  })

  it('with its own state does not disturb a flow in progress', async () => {
    const { app, expectRefused } = await buildWatchedApp(emulator())
    const attacker = createBrowser(app)
    const victim = createBrowser(app)
    const own = await comeBack(victim, 'ada')
    const foreign = await comeBack(attacker, 'ben')
    const before = victim.cookies()
    await expectRefused('flow_missing', () => victim.get(foreign))
    expect(victim.cookies()).toBe(before)
    expect((await victim.get(own)).headers.location).toBe('/')
    expect((await victim.get('/auth/session')).json()).toMatchObject({ user: { name: 'Ada Test' } })
  })

  it('does not replace the current session, and is logged', async () => {
    const { app, log, expectNoEffect } = await buildWatchedApp(emulator())
    const attacker = createBrowser(app)
    const victim = createBrowser(app)
    await victim.signIn('ada')
    const foreign = await comeBack(attacker, 'ben')
    const answer = await expectNoEffect(() => victim.get(foreign))
    expect(answer.headers.location).toBe('/')
    const lines = log.map((line) => JSON.parse(line))
    expect(lines.filter(({ event }) => event === 'sign-in-ignored')).toEqual([
      expect.objectContaining({ level: 30, provider: 'bitbucket', code: 'flow_missing' }),
    ])
    expect((await victim.get('/auth/session')).json()).toMatchObject({ user: { name: 'Ada Test' } })
  })

  it.each([
    ['no state', ''],
    ['an empty state', '&state='],
    ['the state "undefined"', '&state=undefined'],
    ['the state "null"', '&state=null'],
    ['a zero', '&state=0'],
    ['a space', '&state=%20'],
  ])(
    'with %s matches nothing: no flow, an empty flow or a flow in progress',
    async (_what, query) => {
      const { app, expectRefused } = await buildWatchedApp(emulator())
      const url = `/auth/bitbucket/callback?code=stolen-or-invented${query}`
      await expectRefused('flow_missing', () => app.inject(url))

      // One cookie for each way to read such a state, each with an empty value and with a word.
      const state = new URLSearchParams(query).get('state')
      const names = [state ?? '', String(state), 'undefined', '', '0'].map(flowCookie)
      for (const value of ['', 'undefined', 'null', '""', '{}', 'AAAA']) {
        const cookie = names.map((name) => `${name}=${value}`).join('; ')
        await expectRefused('flow_missing', () => app.inject({ url, headers: { cookie } }))
      }

      const browser = createBrowser(app)
      const own = await comeBack(browser, 'ada')
      await expectRefused('flow_missing', () => browser.get(url))
      expect((await browser.get(own)).headers.location).toBe('/')
    },
  )
})

describe('an altered flow', () => {
  it('is rejected if any character of its cookie is changed, or its end is cut off', async () => {
    const { app, expectRefused } = await buildWatchedApp(emulator())
    const browser = createBrowser(app)
    const callback = await comeBack(browser, 'ada')
    const [name, value] = theFlowOf(browser)
    const altered = Array.from({ length: 40 }, (_, index) => {
      const at = Math.floor((index * value.length) / 40)
      return value.slice(0, at) + (value[at] === 'A' ? 'B' : 'A') + value.slice(at + 1)
    })
    // Other spellings of the same bytes count as altered too.
    const respelled = [`${value}=`, `${value}.`, `${value.slice(0, 9)} ${value.slice(9)}`]
    const cut = ['', '%00', value.slice(0, 20), value.slice(0, -4)]
    for (const forged of [...altered, ...respelled, ...cut]) {
      const headers = { cookie: `${name}=${forged}` }
      await expectRefused('flow_missing', () => app.inject({ url: callback, headers }))
    }
    expect((await browser.get(callback)).headers.location).toBe('/')
  })

  it('is rejected with the cookie of a later or an earlier flow', async () => {
    const { app, expectRefused } = await buildWatchedApp(emulator())
    const earlier = createBrowser(app)
    const browser = createBrowser(app)
    const used = await comeBack(earlier, 'ben')
    const [, old] = theFlowOf(earlier)
    await earlier.get(used)
    const callback = await comeBack(browser, 'ada')
    const [name] = theFlowOf(browser)
    const later = createBrowser(app)
    await later.start()
    for (const value of [old, theFlowOf(later)[1]]) {
      const headers = { cookie: `${name}=${value}` }
      await expectRefused('flow_missing', () => app.inject({ url: callback, headers }))
    }
  })

  it('is rejected with a session instead of a flow', async () => {
    const { app, expectRefused } = await buildWatchedApp(emulator())
    const signedIn = createBrowser(app)
    await signedIn.signIn('ben')
    const [, session = ''] = /latchkey-3000=([\w.-]+)/.exec(signedIn.cookies()) ?? []
    const callback = await comeBack(createBrowser(app), 'ada')
    const state = new URL(callback, 'http://x').searchParams.get('state') ?? ''
    const headers = { cookie: `${flowCookie(state)}=${session}` }
    await expectRefused('flow_missing', () => app.inject({ url: callback, headers }))
  })

  it('does not open a session when its cookie is used as a session cookie', async () => {
    const { app } = await buildWatchedApp(emulator())
    const browser = createBrowser(app)
    await browser.start()
    const headers = { cookie: `latchkey-3000=${theFlowOf(browser)[1]}` }
    expect((await app.inject({ url: '/api/me', headers })).statusCode).toBe(401)
  })
})

describe('the same callback again', () => {
  it('in the same browser redirects, without a second exchange', async () => {
    const { app, file, expectNoEffect } = await buildWatchedApp(emulator())
    const browser = createBrowser(app)
    const callback = await comeBack(browser, 'ada', '?return_to=/work')
    const before = browser.cookies()
    expect((await browser.get(callback)).headers.location).toBe('/work')

    const reload = await expectNoEffect(() => browser.get(callback))
    expect(reload.headers.location).toBe('/')
    expect(setCookies(reload)).toEqual([])
    // Simulates a browser that restores a closed tab with its cookies.
    const headers = { cookie: `${before}; ${browser.cookies()}` }
    const restored = await expectNoEffect(() => app.inject({ url: callback, headers }))
    expect(restored.headers.location).toBe('/work')
    expect(countRows(file, 'sessions')).toBe(1)
  })

  it('by an attacker who copied the cookies only redirects to the provider', async () => {
    const { app, expectNoEffect } = await buildWatchedApp(emulator())
    const browser = createBrowser(app)
    const callback = await comeBack(browser, 'ada', '?return_to=/work')
    const headers = { cookie: browser.cookies() }
    await browser.get(callback)
    const replay = await expectNoEffect(() => app.inject({ url: callback, headers }))
    expect(replay.statusCode).toBe(303)
    expect(replay.headers.location).toMatch(`${emulator().url}/site/oauth2/authorize?`)
  })

  it('does not redeem another code after the first one has failed', async () => {
    const { app, expectNoEffect, expectRefused } = await buildWatchedApp(emulator())
    const browser = createBrowser(app)
    const callback = await comeBack(browser, 'ada')
    const headers = { cookie: browser.cookies() }
    emulator().answerNext('POST /site/oauth2/access_token', { status: 503 })
    await expectRefused('provider_unavailable', () => browser.get(callback), 1)
    const replay = await expectNoEffect(() => app.inject({ url: callback, headers }))
    expect(replay.headers.location).toMatch(`${emulator().url}/site/oauth2/authorize?`)
  })

  it('twenty times concurrently on two servers causes one exchange, one session and ten new flows', async () => {
    const file = temporaryFile()
    const app = await buildApp(emulator(), { store: sqlite(file) })
    const other = await buildApp(emulator(), { store: sqlite(file) })
    const browser = createBrowser(app)
    const callback = await comeBack(browser, 'ada')
    const cookie = browser.cookies()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 === 0 ? app : other).inject({ url: callback, headers: { cookie } }),
      ),
    )
    const signedIn = answers.filter(({ headers }) => headers.location === '/')
    expect(signedIn).toHaveLength(10)
    const tokens = answers.flatMap(setCookies).flatMap((line) => {
      return /^latchkey-3000=([^;]+)/.exec(line)?.[1] ?? []
    })
    expect(tokens).toHaveLength(10)
    expect(new Set(tokens).size).toBe(1)
    // The second server cannot wait for the first one.
    const states = answers.flatMap(({ headers }) => {
      const url = new URL(String(headers.location), 'http://localhost:3000')
      return url.origin === emulator().url ? [url.searchParams.get('state')] : []
    })
    expect(states).toHaveLength(10)
    expect(new Set(states).size).toBe(10)
    expect(countRows(file, 'sessions')).toBe(1)
    expect(countRows(file, 'users')).toBe(1)
    expect(countRows(file, 'identities')).toBe(1)
    expect(countExchanges(emulator())).toBe(1)
  })
})

describe('a callback that comes too late', () => {
  const LIFETIME = 10 * 60 * 1000

  it('is rejected and its cookie is cleared as soon as its flow has expired', async () => {
    let now = Date.now()
    const { app, expectRefused } = await buildWatchedApp(emulator(), { clock: () => now })
    const browser = createBrowser(app)
    const inTime = createBrowser(app)
    const late = await comeBack(browser, 'ada')
    const timely = await comeBack(inTime, 'ben')
    const [headers, others] = [{ cookie: browser.cookies() }, { cookie: inTime.cookies() }]
    now += LIFETIME - 1
    const last = await app.inject({ url: timely, headers: others })
    expect(last.headers.location).toBe('/')
    now += 1
    const answer = await expectRefused('flow_expired', () => app.inject({ url: late, headers }))
    expect(setCookies(answer)).toEqual([expect.stringMatching(/-flow-[\w-]{10}=; Max-Age=0; /)])
  })

  it('is rejected without the cookie, because browsers have dropped it by then', async () => {
    let now = Date.now()
    const { app, expectRefused } = await buildWatchedApp(emulator(), { clock: () => now })
    const callback = await comeBack(createBrowser(app), 'ada')
    now += LIFETIME
    await expectRefused('flow_missing', () => app.inject(callback))
  })

  it('is rejected even if the record of its use has been deleted', async () => {
    let now = Date.now()
    const { app, file, expectRefused } = await buildWatchedApp(emulator(), { clock: () => now })
    const browser = createBrowser(app)
    const callback = await comeBack(browser, 'ada')
    const headers = { cookie: browser.cookies() }
    await browser.get(callback)
    now += LIFETIME + CLOCK_TOLERANCE + 1
    // Another person's sign-in deletes expired rows.
    await createBrowser(app).signIn('ben')
    expect(countRows(file, 'used_flows')).toBe(1)
    await expectRefused('flow_expired', () => app.inject({ url: callback, headers }))
  })
})

/** Returns the name of a flow's cookie. */
function flowCookie(state: string): string {
  const name = createHash('sha256').update(state).digest('base64url').slice(0, 10)
  return `latchkey-3000-flow-${name}`
}

/** Returns the name and value of the browser's only flow cookie. */
function theFlowOf(browser: Browser): [name: string, value: string] {
  const [, name, value] = /(latchkey-3000-flow-[\w-]+)=([\w-]+)/.exec(browser.cookies()) ?? []
  if (name === undefined || value === undefined) throw new Error('The browser has no flow.')
  return [name, value]
}
