import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { bitbucket } from '../providers/bitbucket.ts'
import { countRows, setUpEmulator } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'
import { buildWatchedApp, countExchanges, type WatchedApp } from '../testing/refusal.ts'

const emulator = setUpEmulator()
const another = setUpEmulator()

const nameIn = async (browser: Browser): Promise<unknown> =>
  (await browser.get('/auth/session')).json().user?.name

describe('two tabs of one browser', () => {
  it.each([
    ['the first finishes first', [0, 1], 'Ben Test'],
    ['the second finishes first', [1, 0], 'Ada Test'],
  ])('both sign in when %s, and only the last session remains', async (_order, order, name) => {
    const { app, file } = await buildWatchedApp(emulator())
    const browser = createBrowser(app)
    const urls = [await browser.start('?return_to=/0'), await browser.start('?return_to=/1')]
    const callbacks = [
      await browser.consent(urls[0] ?? '', { user: 'ada' }),
      await browser.consent(urls[1] ?? '', { user: 'ben' }),
    ]
    for (const tab of order) {
      const answer = await browser.get(callbacks[tab] ?? '')
      expect(answer.headers.location).toBe(`/${tab}`)
    }
    expect(await nameIn(browser)).toBe(name)
    // The second sign-in has ended the session of the first.
    expect(countRows(file, 'sessions')).toBe(1)
  })

  it('both get a redirect when they finish concurrently, and the browser is signed in', async () => {
    const { app } = await buildWatchedApp(emulator())
    const browser = createBrowser(app)
    const urls = [await browser.start('?return_to=/0'), await browser.start('?return_to=/1')]
    const callbacks = [
      await browser.consent(urls[0] ?? '', { user: 'ada' }),
      await browser.consent(urls[1] ?? '', { user: 'ada' }),
    ]
    const answers = await Promise.all(callbacks.map((callback) => browser.get(callback)))
    expect(answers.map(({ headers }) => headers.location)).toEqual(['/0', '/1'])
    expect(await nameIn(browser)).toBe('Ada Test')
  })

  it('whose flows are cancelled or expired do not affect a third tab', async () => {
    let now = Date.now()
    const { app, expectRefused } = await buildWatchedApp(emulator(), { clock: () => now })
    const browser = createBrowser(app)
    const expired = await browser.consent(await browser.start(), { user: 'ben' })
    const stale = { cookie: browser.cookies() }
    now += 9 * 60 * 1000
    const cancelled = await browser.consent(await browser.start(), { decision: 'deny' })
    const good = await browser.consent(await browser.start(), { user: 'ada' })
    now += 2 * 60 * 1000
    await expectRefused('access_denied', () => browser.get(cancelled))
    await expectRefused('flow_expired', () => app.inject({ url: expired, headers: stale }))
    expect((await browser.get(good)).headers.location).toBe('/')
    expect(await nameIn(browser)).toBe('Ada Test')
  })
})

describe('a callback of one provider sent to another', () => {
  const twoProviders = (): Promise<WatchedApp> =>
    buildWatchedApp(emulator(), {
      providers: [
        bitbucket({ id: 'one', emulatorUrl: emulator().url }),
        bitbucket({ id: 'two', emulatorUrl: another().url }),
      ],
    })
  const startAt = async (browser: Browser, provider: string): Promise<string> =>
    String((await browser.get(`/auth/${provider}/start`)).headers.location)

  it('is rejected, and neither provider gets a request', async () => {
    const { app, expectRefused } = await twoProviders()
    const browser = createBrowser(app)
    const callback = await browser.consent(await startAt(browser, 'one'), { user: 'ada' })
    expect(callback).toMatch(/^\/auth\/one\/callback\?/)
    const elsewhere = callback.replace('/one/', '/two/')
    await expectRefused('flow_missing', () => browser.get(elsewhere))
    expect(countExchanges(another())).toBe(0)
    // The flow is used up, even for its own provider.
    await expectRefused('flow_missing', () => browser.get(callback))
  })

  it('is rejected even with a code from the other provider', async () => {
    const { app, expectRefused } = await twoProviders()
    const browser = createBrowser(app)
    const state = new URL(await startAt(browser, 'one')).searchParams.get('state')
    const mixed = new URL(await startAt(browser, 'two'))
    mixed.searchParams.set('state', String(state))
    const callback = await browser.consent(mixed.href, { user: 'ada' })
    expect(callback).toMatch(/^\/auth\/two\/callback\?code=.*state=/)
    await expectRefused('flow_missing', () => browser.get(callback))
    expect(countExchanges(another())).toBe(0)
  })
})

describe('a sign-in by a person who is already signed in', () => {
  it('as another person replaces the session, and merges no accounts', async () => {
    const { app, file } = await buildWatchedApp(emulator())
    const browser = createBrowser(app)
    await browser.signIn('ada')
    const first = browser.cookies()
    await browser.signIn('ben')
    expect(await nameIn(browser)).toBe('Ben Test')
    expect(identitiesPerUser(file)).toEqual([1, 1])
    const old = await app.inject({ url: '/api/me', headers: { cookie: first } })
    expect(old.statusCode).toBe(401)
  })

  it('that began before they signed out still signs in the person who finishes it', async () => {
    const { app, file } = await buildWatchedApp(emulator())
    const browser = createBrowser(app)
    await browser.signIn('ada')
    const callback = await browser.consent(await browser.start(), { user: 'ben' })
    await browser.post('/auth/sign-out')
    expect((await browser.get(callback)).headers.location).toBe('/')
    expect(await nameIn(browser)).toBe('Ben Test')
    expect(identitiesPerUser(file)).toEqual([1, 1])
  })

  it('cannot be turned into account linking, because there is no route for that', async () => {
    const { app, expectNoEffect } = await buildWatchedApp(emulator())
    const browser = createBrowser(app)
    await browser.signIn('ada')
    for (const path of ['bitbucket/link', 'bitbucket/reauth', 'identities', 'identities/1']) {
      for (const method of ['GET', 'POST', 'DELETE'] as const) {
        const headers = { cookie: browser.cookies(), origin: 'http://localhost:3000' }
        const answer = await expectNoEffect(() =>
          app.inject({ method, url: `/auth/${path}`, headers }),
        )
        expect(answer.statusCode).toBe(404)
        expect(answer.headers['set-cookie']).toBeUndefined()
      }
    }
  })
})

/** Returns the number of identities of each user in a SQLite file. */
function identitiesPerUser(file: string): number[] {
  const database = new DatabaseSync(file, { readOnly: true })
  const rows = database
    .prepare(
      `select count(latchkey_identities.id) as count from latchkey_users
       left join latchkey_identities on user_id = latchkey_users.id group by latchkey_users.id`,
    )
    .all()
  database.close()
  return rows.map(({ count }) => Number(count))
}
