import { execFile } from 'node:child_process'
import { chmodSync, copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import Fastify, { type FastifyInstance } from 'fastify'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import latchkey from '../index.ts'
import { bitbucket } from '../providers/bitbucket.ts'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, countRows, SECRET, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'
import { countExchanges } from '../testing/refusal.ts'

const emulator = setUpEmulator()
const UNAVAILABLE = '/auth/sign-in?auth_error=unavailable'

/** Returns the rows in a file that a sign-in writes. */
function rows(file: string): { users: number; identities: number; sessions: number } {
  return {
    users: countRows(file, 'users'),
    identities: countRows(file, 'identities'),
    sessions: countRows(file, 'sessions'),
  }
}

/** Changes a file through a connection other than the store's. */
function tamper(file: string, sql: string): void {
  const database = new DatabaseSync(file)
  database.exec(sql)
  database.close()
}

/**
 * Checks an attempt that failed because of the store: the person sees an error, and gets no session
 * cookie.
 */
async function expectUnavailable(browser: Browser): Promise<void> {
  const callback = await browser.signIn('ada')
  expect(callback.statusCode).toBe(303)
  expect(callback.headers.location).toBe(UNAVAILABLE)
  expect(String(callback.headers['set-cookie'])).not.toMatch(/latchkey-3000=/)
}

describe('a store that becomes unavailable', () => {
  it('before the start is not noticed, and the flow succeeds once the store is back', async () => {
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

  it('while a person is at the provider signs no one in, and no code is redeemed', async () => {
    const store = sqlite(':memory:')
    const app = await buildApp(emulator(), { store })
    const browser = createBrowser(app)
    const callback = await browser.consent(await browser.start(), { user: 'ada' })
    await store.close()
    const answer = await browser.get(callback)
    expect(answer.headers.location).toBe(UNAVAILABLE)
    expect(String(answer.headers['set-cookie'])).not.toMatch(/latchkey-3000=/)
    expect(countExchanges(emulator())).toBe(0)
  })

  it('after the code is redeemed signs no one in, leaves nothing behind, and the next attempt works', async () => {
    const file = temporaryFile()
    const store = sqlite(file)
    const real = bitbucket({ emulatorUrl: emulator().url })
    let away = true
    const app = await buildApp(emulator(), {
      store,
      providers: [
        {
          ...real,
          profile(answers) {
            if (away) void store.close()
            return real.profile(answers)
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

  it('for a signed-in person keeps the cookie, serves public pages, and blocks guarded routes', async () => {
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

describe('an application that could not open its store', () => {
  it('leaves it open for another application that could', async () => {
    const folder = temporaryFile()
    writeFileSync(folder, 'a file in place of a folder')
    const store = sqlite(`${folder}/latchkey.db`)
    const failed = Fastify()
    const options = { origin: 'http://localhost:3000', secret: SECRET, store }
    const providers = [bitbucket({ emulatorUrl: emulator().url })]
    await expect(
      (async () => failed.register(latchkey, { ...options, providers }))(),
    ).rejects.toMatchObject({ code: 'LATCHKEY_STORE_UNUSABLE' })
    rmSync(folder)
    const app = await buildApp(emulator(), { store })
    const browser = createBrowser(app)
    await browser.signIn('ada')
    await failed.close()
    expect((await browser.get('/auth/sessions')).statusCode).toBe(200)
  })
})

/** Every write of a sign-in, both a person's first one and a later one. */
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

/**
 * The ways in which a statement can fail: on its own, or by rolling back its transaction, as a full disk does.
 */
const failures = ['abort', 'fail', 'rollback'] as const

describe.each(writes)('a %s sign-in that cannot %s its row of %s', (time, verb, table) => {
  it.each(failures)(
    '(%s) writes everything or nothing, and works once the row can be written',
    async (failure) => {
      const file = temporaryFile()
      const lines: string[] = []
      const app = await buildApp(
        emulator(),
        { store: sqlite(file) },
        { write: (line) => void lines.push(line) },
      )
      const browser = createBrowser(app)
      if (time === 'later') await browser.signIn('ada')
      // Unchanged rows are not written, so change one.
      tamper(file, "update latchkey_users set name = 'Renamed since'")
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
    },
  )
})

describe('a sign-in whose commit fails', () => {
  it('has written nothing and set no cookie, and the next one works', async () => {
    const file = temporaryFile()
    const app = await buildApp(emulator(), { store: sqlite(file) })
    const browser = createBrowser(app)
    // This is only checked when the transaction is committed.
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

describe('the first sign-in of one person, many times concurrently', () => {
  it('on two servers with one file creates one user, and each sign-in gets a session of that user', async () => {
    const file = temporaryFile()
    const apps = await Promise.all(
      [sqlite(file), sqlite(file)].map((store) => buildApp(emulator(), { store })),
    )
    const browsers = Array.from({ length: 5 }, () => apps.map((app) => createBrowser(app))).flat()
    const callbacks = await Promise.all(
      browsers.map(async (browser) => browser.consent(await browser.start(), { user: 'ada' })),
    )
    const answers = await Promise.all(
      browsers.map((browser, index) => browser.get(callbacks[index] ?? '')),
    )
    expect(answers.map(({ headers }) => headers.location)).toEqual(browsers.map(() => '/'))
    expect(rows(file)).toEqual({ users: 1, identities: 1, sessions: 10 })
    const people = await Promise.all(browsers.map((browser) => browser.get('/api/me')))
    expect(new Set(people.map((answer) => answer.json().user.id)).size).toBe(1)
  })

  it('while another process is writing waits for its turn, and creates one user', async () => {
    const file = temporaryFile()
    const app = await buildApp(emulator(), { store: sqlite(file) })
    const browsers = Array.from({ length: 5 }, () => createBrowser(app))
    const callbacks = await Promise.all(
      browsers.map(async (browser) => browser.consent(await browser.start(), { user: 'ada' })),
    )
    const other = new DatabaseSync(file)
    other.exec('begin immediate')
    const answers = Promise.all(
      browsers.map((browser, index) => browser.get(callbacks[index] ?? '')),
    )
    for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate)
    expect(countExchanges(emulator())).toBe(0)
    other.exec('commit')
    other.close()
    expect((await answers).map(({ headers }) => headers.location)).toEqual(browsers.map(() => '/'))
    expect(rows(file)).toEqual({ users: 1, identities: 1, sessions: 5 })
  })
})

/** An application with a file, and its store's connection, whose settings apply to no other connection. */
async function buildOnConnection(
  file: string,
): Promise<{ app: FastifyInstance; connection: DatabaseSync }> {
  const exec = vi.spyOn(DatabaseSync.prototype, 'exec')
  const app = await buildApp(emulator(), { store: sqlite(file) })
  const connection = exec.mock.contexts[0]
  exec.mockRestore()
  if (!(connection instanceof DatabaseSync)) throw new Error('The store has no connection.')
  return { app, connection }
}

describe('a full disk', () => {
  it('signs no one in, keeps sessions, allows signing out, and recovers when there is more space', async () => {
    const file = temporaryFile()
    const { app, connection } = await buildOnConnection(file)
    const [here, there] = [createBrowser(app), createBrowser(app)]
    await here.signIn('ben')
    await there.signIn('ben')

    connection.exec('pragma max_page_count = 1')
    let last = '/'
    let acknowledged = 2
    while (last === '/' && acknowledged < 500) {
      const callback = await createBrowser(app).signIn('ada')
      last = String(callback.headers.location)
      if (last === '/') acknowledged++
      else expect(String(callback.headers['set-cookie'])).not.toMatch(/latchkey-3000=/)
    }
    expect(last).toBe(UNAVAILABLE)
    expect(countRows(file, 'sessions')).toBe(acknowledged)
    expect((await here.get('/api/me')).statusCode).toBe(200)
    expect((await there.post('/auth/sign-out')).statusCode).toBe(204)
    expect((await there.get('/api/me')).statusCode).toBe(401)

    connection.exec('pragma max_page_count = 1000000')
    expect((await createBrowser(app).signIn('ada')).headers.location).toBe('/')
  })

  it('that only prevents flows from being stored redeems no code', async () => {
    const { app, connection } = await buildOnConnection(temporaryFile())
    connection.exec('pragma max_page_count = 1')
    const cancel = async (): Promise<unknown> => {
      const browser = createBrowser(app)
      const state = new URL(await browser.start()).searchParams.get('state')
      const url = `/auth/bitbucket/callback?error=access_denied&state=${state}`
      return (await browser.get(url)).headers.location
    }
    let cancelled = 0
    while ((await cancel()) !== UNAVAILABLE && cancelled < 500) cancelled++
    expect(cancelled).toBeLessThan(500)
    await expectUnavailable(createBrowser(app))
    expect(countExchanges(emulator())).toBe(0)
  })
})

describe('a read-only file', () => {
  it('signs no one in or out, and keeps sessions', async () => {
    const { app, connection } = await buildOnConnection(temporaryFile())
    const browser = createBrowser(app)
    await browser.signIn('ben')
    connection.exec('pragma query_only = on')
    await expectUnavailable(createBrowser(app))
    expect((await browser.get('/api/me')).statusCode).toBe(200)
    const signOut = await browser.post('/auth/sign-out')
    expect(signOut.statusCode).toBe(503)
    expect(signOut.headers['set-cookie']).toBeUndefined()
    connection.exec('pragma query_only = off')
    expect((await browser.post('/auth/sign-out')).statusCode).toBe(204)
    expect((await browser.get('/api/me')).statusCode).toBe(401)
  })
})

describe('a file that another process keeps locked', { timeout: 30_000 }, () => {
  it('is not waited for inside SQLite, which would block every other request', async () => {
    const { connection } = await buildOnConnection(temporaryFile())
    expect(connection.prepare('pragma busy_timeout').get()).toEqual({ timeout: 0 })
  })

  it('times out at boot, with advice in the error', async () => {
    const file = temporaryFile()
    const lock = new DatabaseSync(file)
    lock.exec('create table other (id); begin exclusive')
    await expect(sqlite(file).open()).rejects.toMatchObject({
      code: 'LATCHKEY_STORE_UNUSABLE',
      message: expect.stringContaining(
        'Another process has locked it. Try again once that process is done.',
      ),
    })
    lock.close()
  })

  it('times out: no one can sign in or out, and sessions are kept', async () => {
    const file = temporaryFile()
    const app = await buildApp(emulator(), { store: sqlite(file) })
    const [browser, other] = [createBrowser(app), createBrowser(app)]
    await browser.signIn('ben')
    await other.signIn('ben')
    const lock = new DatabaseSync(file)
    lock.exec('begin exclusive')
    const [, signOut] = await Promise.all([
      expectUnavailable(createBrowser(app)),
      other.post('/auth/sign-out'),
    ])
    expect(signOut.statusCode).toBe(503)
    expect(signOut.headers['set-cookie']).toBeUndefined()
    expect((await browser.get('/api/me')).statusCode).toBe(200)
    lock.exec('rollback')
    lock.close()
    expect((await other.post('/auth/sign-out')).statusCode).toBe(204)
    expect((await createBrowser(app).signIn('ada')).headers.location).toBe('/')
  })
})

describe('a file whose journal (-wal) is deleted', () => {
  it('while it is open does not lose any data', async () => {
    const file = temporaryFile()
    const store = sqlite(file)
    const app = await buildApp(emulator(), { store })
    const [before, after] = [createBrowser(app), createBrowser(app)]
    await before.signIn('ada')
    rmSync(`${file}-wal`)
    expect((await before.get('/api/me')).statusCode).toBe(200)
    await after.signIn('ben')
    await store.close()
    await store.open()
    expect((await before.get('/api/me')).statusCode).toBe(200)
    expect((await after.get('/api/me')).statusCode).toBe(200)
    expect(rows(file)).toEqual({ users: 2, identities: 2, sessions: 2 })
  })

  it('after a power loss loses the journal’s rows, and people can sign in again', async () => {
    const [file, found] = [temporaryFile(), temporaryFile()]
    const browser = createBrowser(await buildApp(emulator(), { store: sqlite(file) }))
    await browser.signIn('ada')
    copyFileSync(file, found)

    const app = await buildApp(emulator(), { store: sqlite(found) })
    const cookie = browser.cookies()
    const lost = await app.inject({ url: '/api/me', headers: { cookie } })
    expect(lost.statusCode).toBe(401)
    expect((await createBrowser(app).signIn('ada')).headers.location).toBe('/')
    expect(rows(found)).toEqual({ users: 1, identities: 1, sessions: 1 })
  })
})

describe('a damaged file', () => {
  /** Overwrites the only page of a table in a closed file. */
  function damage(file: string, table: string): void {
    const database = new DatabaseSync(file, { readOnly: true })
    const size = Number(database.prepare('pragma page_size').get()?.page_size)
    const row = database.prepare('select rootpage from sqlite_schema where name = ?').get(table)
    database.close()
    const page = Number(row?.rootpage ?? 1)
    const bytes = readFileSync(file)
    // The first page begins with the file's header.
    bytes.fill(0xa5, page === 1 ? 100 : (page - 1) * size, page * size)
    writeFileSync(file, bytes)
  }

  it.each(['sqlite_schema', 'latchkey_migrations'])(
    'in its %s is rejected with an error that includes its path, and not changed',
    async (table) => {
      const file = temporaryFile()
      const store = sqlite(file)
      await store.open()
      await store.close()
      damage(file, table)
      const found = readFileSync(file)
      await expect(sqlite(file).open()).rejects.toMatchObject({
        code: 'LATCHKEY_STORE_UNUSABLE',
        message: expect.stringContaining('database disk image is malformed'),
      })
      expect(readFileSync(file).equals(found)).toBe(true)
    },
  )

  it('among its sessions signs no one in, and causes an error instead of signing anyone out', async () => {
    const file = temporaryFile()
    const store = sqlite(file)
    const lines: string[] = []
    const app = await buildApp(emulator(), { store }, { write: (line) => void lines.push(line) })
    const browser = createBrowser(app)
    await browser.signIn('ada')
    await store.close()
    damage(file, 'latchkey_sessions')
    await store.open()
    expect((await browser.get('/api/me')).statusCode).toBe(503)
    await expectUnavailable(createBrowser(app))
    expect(lines.join('')).toContain('database disk image is malformed')
    expect(countRows(file, 'users')).toBe(1)
  })
})

describe('a file on a read-only disk', { timeout: 30_000 }, () => {
  it('is rejected at boot, and nothing is kept in memory instead', async () => {
    const file = temporaryFile()
    const store = sqlite(file)
    await store.open()
    await store.close()
    chmodSync(file, 0o444)
    chmodSync(dirname(file), 0o555)
    onTestFinished(() => chmodSync(dirname(file), 0o755))
    // Permissions do not apply to root, so if this runs as root, the child process continues as the user `nobody`.
    const program = `
      import { sqlite } from ${JSON.stringify(new URL('../store/sqlite.ts', import.meta.url).href)}
      const loaded = sqlite(':memory:')
      await loaded.open()
      if (process.getuid() === 0) process.seteuid(65534)
      await sqlite(${JSON.stringify(file)}).open().catch((error) => console.log(error.code, error.message))`
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--input-type=module',
      '--eval',
      program,
    ])
    expect(stdout).toMatch(/^LATCHKEY_STORE_UNUSABLE .*(EACCES|readonly|unable to open)/)
    expect(readdirSync(dirname(file))).toEqual([basename(file)])
  })
})
