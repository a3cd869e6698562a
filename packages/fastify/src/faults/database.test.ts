import pg from 'pg'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { bitbucket } from '../providers/bitbucket.ts'
import type { Provider } from '../providers/provider.ts'
import { postgres } from '../store/postgres.ts'
import { buildApp, setUpEmulator } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'
import { holdTable, untilWaiting } from '../testing/held.ts'
import { countPeople, sharedDatabase } from '../testing/kept.ts'
import { ask, emptyDatabase, ownServer } from '../testing/postgres.ts'
import { startProxy } from '../testing/proxy.ts'
import { countExchanges } from '../testing/refusal.ts'

const emulator = setUpEmulator()
const UNAVAILABLE = '/auth/sign-in?auth_error=unavailable'
const timeout = 1000
const maxStaleness = 60_000

async function statusOf(browser: Browser, path = '/api/me'): Promise<number> {
  return (await browser.get(path)).statusCode
}

/** Returns the name of the signed-in user on a server, which may have cached it. */
async function nameOf(browser: Browser): Promise<unknown> {
  return (await browser.get('/auth/session')).json().user?.name
}

/**
 * Waits until a server has noticed that its database is unavailable, and no longer uses its cache.
 */
async function untilNoticed(browser: Browser): Promise<void> {
  await vi.waitFor(async () => expect(await statusOf(browser)).toBe(503), 20_000)
}

type Middle = Awaited<ReturnType<typeof startProxy>>

const absences: readonly [what: string, go: (proxy: Middle) => void][] = [
  [
    'accepts no more connections',
    (proxy) => {
      proxy.refuse()
      proxy.cut()
    },
  ],
  ['hangs', (proxy) => proxy.hang()],
]

describe.each(absences)('a PostgreSQL that %s', (_what, go) => {
  it('causes no sign-ins or sign-outs, rejects cached sessions too, keeps cookies, and recovers', async () => {
    const url = await emptyDatabase()
    const proxy = await startProxy(url)
    const store = postgres(proxy.url, { timeout, maxStaleness })
    const app = await buildApp(emulator(), { store })
    app.get('/public', async () => 'welcome')
    const [browser, other] = [createBrowser(app), createBrowser(app)]
    await browser.signIn('ada')
    const callback = await other.consent(await other.start(), { user: 'ben' })
    const isKnown = async (): Promise<void> => {
      const known = await nameOf(browser)
      await ask(url, "update latchkey_users set name = name || '!'")
      expect(await nameOf(browser)).toBe(known)
    }
    await vi.waitFor(isKnown, 20_000)
    const cookies = browser.cookies()

    go(proxy)
    await untilNoticed(browser)
    const refusals = await Promise.all([
      browser.get('/api/me'),
      browser.get('/auth/session'),
      browser.get('/auth/sessions'),
      browser.post('/auth/sign-out'),
      browser.post('/auth/sign-out', { scope: 'global' }),
      browser.delete('/auth/sessions/any'),
    ])
    for (const { statusCode, headers, body } of refusals) {
      expect(statusCode).toBe(503)
      expect(headers).toMatchObject({ 'retry-after': '5' })
      expect(headers['set-cookie']).toBeUndefined()
      expect(JSON.parse(body).error.code).toBe('unavailable')
    }
    const form = { 'content-type': 'application/x-www-form-urlencoded', origin: browser.origin }
    const [page, signInPage, unguarded, signOut] = await Promise.all([
      browser.get('/public'),
      browser.get('/auth/sign-in'),
      browser.get('/'),
      browser.post('/auth/sign-out', undefined, form),
      expect(app.latchkey.sessions.revokeEverything()).rejects.toMatchObject({ statusCode: 503 }),
    ])
    expect(page.body).toBe('welcome')
    expect(signInPage.statusCode).toBe(200)
    expect(unguarded.statusCode).toBe(503)
    expect(signOut.headers.location).toMatch(/^\/auth\/sign-in\?.*auth_error=unavailable/)
    expect((await other.get(callback)).headers.location).toBe(UNAVAILABLE)
    expect(await createBrowser(app).start()).toContain('/site/oauth2/authorize')
    expect(countExchanges(emulator())).toBe(1)
    expect(browser.cookies()).toBe(cookies)

    proxy.pass()
    expect(await statusOf(browser)).toBe(200)
    const [row] = await ask(url, 'select name from latchkey_users')
    expect(await nameOf(browser)).toBe(row?.name)
    expect((await other.signIn('ben')).headers.location).toBe('/')
    expect(await statusOf(other)).toBe(200)
    expect((await browser.post('/auth/sign-out')).statusCode).toBe(204)
    expect(await statusOf(browser)).toBe(401)
  })
})

describe('a slow PostgreSQL', () => {
  it('delays every request, even with a single connection', async () => {
    const url = await emptyDatabase()
    const store = postgres(url, { maxConnections: 1, maxStaleness: 0 })
    const app = await buildApp(emulator(), { store })
    const browsers = Array.from({ length: 20 }, () => createBrowser(app))
    for (const browser of browsers) await browser.signIn('ada')
    const other = createBrowser(app)
    const callback = await other.consent(await other.start(), { user: 'ben' })
    const { letGo } = await holdTable(url, 'latchkey_sessions')
    const answers = Promise.all(browsers.map((browser) => statusOf(browser)))
    const signIn = other.get(callback)
    const signOut = browsers[0]?.post('/auth/sign-out')
    await untilWaiting(url, 1)
    await letGo()
    expect(new Set(await answers)).toEqual(new Set([200]))
    expect((await signIn).headers.location).toBe('/')
    expect((await signOut)?.statusCode).toBe(204)
  })

  it('serves others while a person is at the provider, even with a single connection', async () => {
    const store = postgres(await emptyDatabase(), { maxConnections: 1, maxStaleness: 0 })
    const real = bitbucket({ emulatorUrl: emulator().url })
    const asked = Promise.withResolvers<void>()
    const answered = Promise.withResolvers<void>()
    let isSlow = false
    const slow: Provider = {
      ...real,
      async clientSecret() {
        if (isSlow) {
          asked.resolve()
          await answered.promise
        }
        return String(real.clientSecret)
      },
    }
    const app = await buildApp(emulator(), { store, providers: [slow] })
    const [ada, ben] = [createBrowser(app), createBrowser(app)]
    await ada.signIn('ada')
    isSlow = true
    const waiting = ben.signIn('ben')
    await asked.promise
    expect((await ada.get('/api/me')).statusCode).toBe(200)
    answered.resolve()
    expect((await waiting).headers.location).toBe('/')
  })

  it('makes every request fail once it exceeds the timeout, and delays none afterwards', async () => {
    const url = await emptyDatabase()
    const store = postgres(url, { timeout, maxConnections: 1, maxStaleness: 0 })
    const app = await buildApp(emulator(), { store })
    app.get('/public', async () => 'welcome')
    const browsers = Array.from({ length: 20 }, () => createBrowser(app))
    for (const browser of browsers) await browser.signIn('ada')
    const { letGo } = await holdTable(url, 'latchkey_sessions')
    const answers = Promise.all(browsers.map((browser) => browser.get('/api/me')))
    await untilWaiting(url, 1)
    expect((await createBrowser(app).get('/public')).body).toBe('welcome')
    for (const { statusCode, headers } of await answers) {
      expect(statusCode).toBe(503)
      expect(headers).toMatchObject({ 'retry-after': '5' })
      expect(headers['set-cookie']).toBeUndefined()
    }
    await letGo()
    for (const browser of browsers) expect(await statusOf(browser)).toBe(200)
  })

  it('does not delay requests with cached sessions, as long as changes are still reported', async () => {
    const url = await emptyDatabase()
    const store = postgres(url, { timeout, maxStaleness })
    const app = await buildApp(emulator(), { store })
    const [browser, other] = [createBrowser(app), createBrowser(app)]
    await browser.signIn('ada')
    await other.signIn('ben')
    const isServed = async (): Promise<void> => {
      expect(await statusOf(browser)).toBe(200)
      const { letGo } = await holdTable(url, 'latchkey_sessions')
      try {
        expect(await statusOf(browser)).toBe(200)
        expect(await statusOf(other)).toBe(503)
      } finally {
        await letGo()
      }
    }
    await vi.waitFor(isServed, 20_000)
    expect(await statusOf(other)).toBe(200)
  })

  it('that is disconnected halfway has changed nothing, and the next attempt works', async () => {
    const shared = await sharedDatabase()
    const { url } = shared.kept as { url: string }
    const proxy = await startProxy(url)
    const store = postgres(proxy.url, { maxStaleness: 0 })
    const app = await buildApp(emulator(), { store })
    const [browser, other] = [createBrowser(app), createBrowser(app)]
    await browser.signIn('ada')
    const callback = await other.consent(await other.start(), { user: 'ben' })
    const { letGo } = await holdTable(url, 'latchkey_sessions')
    const waiting = [browser.get('/api/me'), browser.post('/auth/sign-out'), other.get(callback)]
    await untilWaiting(url, 3)
    proxy.cut()
    const [asked, signOut, signIn] = await Promise.all(waiting)
    for (const answer of [asked, signOut]) {
      expect(answer?.statusCode).toBe(503)
      expect(answer?.headers['set-cookie']).toBeUndefined()
    }
    expect(signIn?.headers.location).toBe(UNAVAILABLE)
    await letGo()
    expect(await statusOf(browser)).toBe(200)
    expect(await countPeople(shared)).toEqual({ users: 1, identities: 1, sessions: 1 })
    expect((await other.signIn('ben')).headers.location).toBe('/')
    expect((await browser.post('/auth/sign-out')).statusCode).toBe(204)
  })
})

/** Makes the first attempts to write to each table fail, so that each statement has failed once. */
async function failFirst(url: string, code: string, times: number): Promise<void> {
  const tables = ['users', 'identities', 'sessions', 'used_flows']
  const triggers = tables.map(
    (table) => `create sequence tried_latchkey_${table};
      create trigger refuse before insert or update or delete on latchkey_${table}
      for each statement execute function refuse();`,
  )
  await ask(
    url,
    `create function refuse() returns trigger language plpgsql as $$ begin
      if nextval('tried_' || tg_table_name) <= ${times} then
        raise exception using errcode = '${code}', message = 'the disk is on fire';
      end if;
      return null;
    end $$;
    ${triggers.join('\n')}`,
  )
}

describe('a PostgreSQL that reports a retryable error', () => {
  it.each([
    ['because of a serialization failure', '40001'],
    ['because of a deadlock', '40P01'],
    ['because of an unavailable lock', '55P03'],
  ])('%s gets a retry for every statement, and nothing happens twice', async (_what, code) => {
    const shared = await sharedDatabase()
    const app = await buildApp(emulator(), { store: shared.store() })
    const { url } = shared.kept as { url: string }
    await failFirst(url, code, 3)
    const browser = createBrowser(app)
    expect((await browser.signIn('ada')).headers.location).toBe('/')
    expect(await countPeople(shared)).toEqual({ users: 1, identities: 1, sessions: 1 })
    for (const table of ['users', 'identities', 'sessions', 'used_flows']) {
      const [tried] = await shared.ask(`select last_value from tried_latchkey_${table}`)
      expect(Number(tried?.last_value), table).toBeGreaterThan(3)
    }
    await shared.ask('alter sequence tried_latchkey_sessions restart')
    expect((await browser.post('/auth/sign-out')).statusCode).toBe(204)
    expect(await countPeople(shared)).toEqual({ users: 1, identities: 1, sessions: 0 })
    expect(countExchanges(emulator())).toBe(1)
  })

  it('gets no retry for any other error: the person sees the error, and can start again', async () => {
    const shared = await sharedDatabase()
    const app = await buildApp(emulator(), { store: shared.store() })
    const { url } = shared.kept as { url: string }
    await createBrowser(app).signIn('ben')
    // disk_full
    await failFirst(url, '53100', 1)
    await shared.ask("select nextval('tried_latchkey_used_flows')")
    for (const table of ['users', 'identities', 'sessions']) {
      const callback = await createBrowser(app).signIn('ada')
      expect(callback.headers.location, table).toBe(UNAVAILABLE)
      expect(String(callback.headers['set-cookie'])).not.toMatch(/latchkey-3000=/)
      expect(await countPeople(shared)).toEqual({ users: 1, identities: 1, sessions: 1 })
      const [tried] = await shared.ask(`select last_value from tried_latchkey_${table}`)
      expect(Number(tried?.last_value)).toBe(1)
    }
    expect((await createBrowser(app).signIn('ada')).headers.location).toBe('/')
    expect(await countPeople(shared)).toEqual({ users: 2, identities: 2, sessions: 2 })
  })
})

describe('a failover to a standby', () => {
  it('that lags behind does not sign anyone in or out because of missing changes', async () => {
    const primary = await ownServer()
    const proxy = await startProxy(primary.url)
    const app = await buildApp(emulator(), { store: postgres(proxy.url, { timeout }) })
    const [stays, leaves, comes] = [createBrowser(app), createBrowser(app), createBrowser(app)]
    await stays.signIn('ada')
    await leaves.signIn('ben')
    const cookie = leaves.cookies()
    await primary.stop()
    const standby = await ownServer({ standbyOf: primary.folder })
    await primary.start()
    await vi.waitFor(async () => expect(await statusOf(stays)).toBe(200), 20_000)
    expect((await leaves.post('/auth/sign-out')).statusCode).toBe(204)
    await comes.signIn('ben')
    const asks = async (): Promise<number[]> => {
      const left = app.inject({ url: '/api/me', headers: { cookie } })
      return [await statusOf(stays), (await left).statusCode, await statusOf(comes)]
    }
    expect(await asks()).toEqual([200, 401, 200])

    proxy.leadTo(standby.url)
    await untilNoticed(stays)
    const exchanges = countExchanges(emulator())
    expect(await asks()).toEqual([503, 503, 503])
    expect((await comes.post('/auth/sign-out')).statusCode).toBe(503)
    expect((await createBrowser(app).signIn('ada')).headers.location).toBe(UNAVAILABLE)
    expect(countExchanges(emulator())).toBe(exchanges)

    proxy.leadTo(primary.url)
    await vi.waitFor(async () => expect(await asks()).toEqual([200, 401, 200]), 20_000)
  })

  it('that takes over causes only a short outage', async () => {
    const primary = await ownServer()
    const proxy = await startProxy(primary.url)
    const app = await buildApp(emulator(), { store: postgres(proxy.url, { timeout }) })
    const browser = createBrowser(app)
    await browser.signIn('ada')
    await primary.stop()
    const standby = await ownServer({ standbyOf: primary.folder })
    proxy.leadTo(standby.url)
    await untilNoticed(browser)
    await ask(standby.url, 'select pg_promote()')
    await vi.waitFor(async () => expect(await statusOf(browser)).toBe(200), 20_000)
    expect((await createBrowser(app).signIn('ben')).headers.location).toBe('/')
    expect((await browser.post('/auth/sign-out')).statusCode).toBe(204)
    expect(await statusOf(browser)).toBe(401)
  })
})

describe('a PostgreSQL whose response to a commit is lost', () => {
  /** Holds back the response to the next commit, which takes effect anyway. */
  function loseNextCommit(proxy: Middle): void {
    const { query } = pg.Client.prototype as unknown as { query: (...given: unknown[]) => unknown }
    const spy = vi.spyOn(pg.Client.prototype as unknown as { query: typeof query }, 'query')
    onTestFinished(() => spy.mockRestore())
    spy.mockImplementation(function (this: pg.Client, ...given) {
      if (given[0] === 'commit') {
        spy.mockRestore()
        proxy.hold()
      }
      return query.apply(this, given)
    })
  }

  it('has ended the session despite the error, and this server rejects the session too', async () => {
    const proxy = await startProxy(await emptyDatabase())
    const store = postgres(proxy.url, { timeout, maxStaleness })
    const browser = createBrowser(await buildApp(emulator(), { store }))
    await browser.signIn('ada')
    expect(await statusOf(browser)).toBe(200)
    const cookies = browser.cookies()
    loseNextCommit(proxy)
    expect((await browser.post('/auth/sign-out')).statusCode).toBe(503)
    expect(browser.cookies()).toBe(cookies)
    proxy.pass()
    expect(await statusOf(browser)).toBe(401)
    expect((await browser.post('/auth/sign-out')).statusCode).toBe(204)
  })

  it('has not signed anyone in despite the commit, and the next attempt signs in', async () => {
    const url = await emptyDatabase()
    const proxy = await startProxy(url)
    const store = postgres(proxy.url, { timeout, maxStaleness })
    const browser = createBrowser(await buildApp(emulator(), { store }))
    loseNextCommit(proxy)
    expect((await browser.signIn('ada')).headers.location).toBe(UNAVAILABLE)
    proxy.pass()
    expect(await statusOf(browser)).toBe(401)
    expect((await browser.signIn('ada')).headers.location).toBe('/')
    expect(await statusOf(browser)).toBe(200)
    const [row] = await ask(url, 'select count(*)::int as users from latchkey_users')
    expect(row).toEqual({ users: 1 })
  })
})
