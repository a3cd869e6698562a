import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { bitbucket } from '../providers/bitbucket.ts'
import { sqlite } from '../sqlite.ts'
import { buildApp, countRows, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'

const emulator = setUpEmulator()
const UNAVAILABLE = '/auth/sign-in?auth_error=unavailable'

/** What a file holds, of what a sign-in writes. */
function rows(file: string): { users: number; identities: number; sessions: number } {
  return {
    users: countRows(file, 'users'),
    identities: countRows(file, 'identities'),
    sessions: countRows(file, 'sessions'),
  }
}

/** Does something to a file behind the back of the store that has it open. */
function tamper(file: string, sql: string): void {
  const database = new DatabaseSync(file)
  database.exec(sql)
  database.close()
}

/** An attempt that the store let down: the person is told so, and has no session cookie. */
async function expectUnavailable(browser: Browser): Promise<void> {
  const callback = await browser.signIn('ada')
  expect(callback.statusCode).toBe(303)
  expect(callback.headers.location).toBe(UNAVAILABLE)
  expect(String(callback.headers['set-cookie'])).not.toMatch(/latchkey-3000=/)
}

describe('a store that goes away', () => {
  it('before the button is pressed is not missed, and the flow ends well once it is back', async () => {
    const store = sqlite(temporaryFile())
    const app = await buildApp(emulator(), { store })
    const browser = createBrowser(app)
    await store.close()
    const consent = await browser.start()
    await store.open()
    const callback = await browser.get(await browser.consent(consent, { user: 'ada' }))
    expect(callback.headers.location).toBe('/')
    expect((await browser.get('/api/me')).statusCode).toBe(200)
  })

  it('while a person is at the provider signs nobody in, and no code is redeemed', async () => {
    const store = sqlite(':memory:')
    const app = await buildApp(emulator(), { store })
    const browser = createBrowser(app)
    const callback = await browser.consent(await browser.start(), { user: 'ada' })
    await store.close()
    const answer = await browser.get(callback)
    expect(answer.headers.location).toBe(UNAVAILABLE)
    expect(String(answer.headers['set-cookie'])).not.toMatch(/latchkey-3000=/)
    expect(emulator().requests.filter(({ path }) => path.endsWith('access_token'))).toHaveLength(0)
  })

  it('once the code is redeemed signs nobody in, leaves nothing, and the next attempt works', async () => {
    const file = temporaryFile()
    const store = sqlite(file)
    const real = bitbucket({ emulatorUrl: emulator().url })
    let away = true
    const app = await buildApp(emulator(), {
      store,
      providers: [
        {
          ...real,
          async readProfile(api) {
            const profile = await real.readProfile(api)
            if (away) await store.close()
            return profile
          },
        },
      ],
    })
    const browser = createBrowser(app)
    await expectUnavailable(browser)
    expect(rows(file)).toEqual({ users: 0, identities: 0, sessions: 0 })
    away = false
    await store.open()
    expect((await browser.signIn('ada')).headers.location).toBe('/')
    expect(rows(file)).toEqual({ users: 1, identities: 1, sessions: 1 })
  })

  it('from a person who is signed in keeps the cookie, serves public pages, and lets nobody through', async () => {
    const store = sqlite(temporaryFile())
    const app = await buildApp(emulator(), { store })
    app.get('/public', async () => 'hello')
    const browser = createBrowser(app)
    await browser.signIn('ada')
    await store.close()
    for (const answer of [
      await browser.get('/api/me'),
      await browser.get('/auth/session'),
      await browser.get('/'),
      await browser.post('/auth/sign-out'),
    ]) {
      expect(answer.statusCode).toBe(503)
      expect(answer.headers['set-cookie']).toBeUndefined()
    }
    expect((await browser.get('/api/me')).json().error.code).toBe('unavailable')
    expect((await browser.get('/api/me')).headers['retry-after']).toBe('5')
    expect((await browser.get('/public')).body).toBe('hello')
    expect((await browser.get('/auth/sign-in')).statusCode).toBe(200)
    await store.open()
    expect((await browser.get('/api/me')).statusCode).toBe(200)
  })
})

/** Every write of a sign-in; of the first one of a person, or of a later one. */
const writes = [
  ['first', 'insert', 'used_flows'],
  ['first', 'insert', 'users'],
  ['first', 'insert', 'identities'],
  ['first', 'insert', 'sessions'],
  ['later', 'update', 'users'],
  ['later', 'update', 'identities'],
  ['later', 'delete', 'sessions'],
  ['later', 'insert', 'sessions'],
] as const

/** How a statement can fail: alone, or taking its transaction with it, as a full disk does. */
const failures = ['abort', 'fail', 'rollback'] as const

describe.each(writes)('a %s sign-in that cannot %s its row of %s', (time, verb, table) => {
  it.each(failures)('(%s) writes all or nothing, and works once it can', async (failure) => {
    const file = temporaryFile()
    const lines: string[] = []
    const app = await buildApp(
      emulator(),
      { store: sqlite(file) },
      { write: (line) => void lines.push(line) },
    )
    const browser = createBrowser(app)
    if (time === 'later') await browser.signIn('ada')
    const before = rows(file)
    tamper(
      file,
      `create trigger broken after ${verb} on latchkey_${table}
       begin select raise(${failure}, 'the disk is on fire'); end`,
    )
    await expectUnavailable(browser)
    expect(rows(file)).toEqual(before)
    expect(lines.join('')).toContain('the disk is on fire')
    if (time === 'later') expect((await browser.get('/api/me')).statusCode).toBe(200)

    tamper(file, 'drop trigger broken')
    expect((await browser.signIn('ada')).headers.location).toBe('/')
    expect((await browser.get('/api/me')).statusCode).toBe(200)
    expect(rows(file)).toEqual({ users: 1, identities: 1, sessions: 1 })
  })
})

describe('a sign-in whose commit fails', () => {
  it('has written nothing and set no cookie, and the next one works', async () => {
    const file = temporaryFile()
    const app = await buildApp(emulator(), { store: sqlite(file) })
    const browser = createBrowser(app)
    // Checked no earlier than at the commit.
    tamper(
      file,
      `create table debts (owed text references latchkey_users(id) deferrable initially deferred);
       create trigger broken after insert on latchkey_sessions
       begin insert into debts values ('nobody'); end`,
    )
    await expectUnavailable(browser)
    expect(rows(file)).toEqual({ users: 0, identities: 0, sessions: 0 })
    tamper(file, 'drop trigger broken')
    expect((await browser.signIn('ada')).headers.location).toBe('/')
    expect(rows(file)).toEqual({ users: 1, identities: 1, sessions: 1 })
  })
})
