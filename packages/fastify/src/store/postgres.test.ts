import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { untilWaiting } from '../testing/held.ts'
import {
  ask,
  connect,
  emptyDatabase,
  ownServer,
  withRole,
  withSettings,
} from '../testing/postgres.ts'
import { startProxy } from '../testing/proxy.ts'
import { testStore } from '../testing/store-contract.ts'
import { ending, never, session, user } from '../testing/stored.ts'
import { migrations } from './migrations.ts'
import { type PostgresOptions, postgres } from './postgres.ts'
import type { Store } from './store.ts'

testStore('postgres', async () => postgres(await emptyDatabase()))

async function open(url: string, options?: PostgresOptions): Promise<Store> {
  const store = postgres(url, options)
  await store.open()
  onTestFinished(() => store.close())
  return store
}

/** Opens a connection for statements that take a while. */
/** Runs a program that can use `postgres`, in a separate process. */
function start(program: string, hooks = ''): ChildProcessByStdio<Writable, Readable, null> {
  const whole = `${hooks}
    const { postgres } = await import(${JSON.stringify(new URL('./postgres.ts', import.meta.url).href)})
    ${program}`
  return spawn(process.execPath, ['--input-type=module', '--eval', whole], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
}

/** Returns how many connections are waiting for a lock of this kind. */
async function countWaiting(
  url: string,
  lock: 'relation' | 'advisory' | 'transactionid',
): Promise<number> {
  const rows = await ask(
    url,
    "select 1 from pg_stat_activity where wait_event_type = 'Lock' and wait_event = $1 and datname = current_database()",
    [lock],
  )
  return rows.length
}

describe('postgres()', () => {
  const url = 'postgres://latchkey:hunter2@db.example/latchkey'

  it('states what is missing or invalid, and never quotes a URL', () => {
    expect(() => postgres(undefined)).toThrow(/the URL is missing/)
    expect(() => postgres('')).toThrow(/the URL is missing/)
    const refusal = (url: string, options?: PostgresOptions): unknown => {
      try {
        return postgres(url, options)
      } catch (error) {
        return error
      }
    }
    for (const wrong of [
      'latchkey:hunter2@db.example',
      'mysql://root:hunter2@db.example/latchkey',
      'postgres://latchkey:hunter2@[db/latchkey',
      'postgres://latchkey:hunter2@:x/latchkey',
    ]) {
      for (const error of [refusal(wrong), refusal(url, { listenUrl: wrong })]) {
        expect(error).toMatchObject({ code: 'LATCHKEY_OPTION_INVALID' })
        expect(String(error)).toContain('must be a URL that begins with postgres://')
        expect(String(error)).not.toContain('hunter2')
      }
    }
    expect(String(refusal(url, { listenUrl: '' }))).toContain('`listenUrl`')
  })

  it('rejects unknown options', () => {
    const misspelt = { max: 3 } as PostgresOptions
    expect(() => postgres(url, misspelt)).toThrow(
      'postgres(): there is no option `max`. The options are maxConnections, timeout, listenUrl, maxStaleness.',
    )
    for (const none of [null, 3, 'fast']) {
      expect(() => postgres(url, none as unknown as PostgresOptions)).toThrow(/must be an object/)
    }
  })

  it.each([
    ['maxConnections', [0, 1.5, Number.NaN], '1 to 10000'],
    ['timeout', [0, -1, Number.POSITIVE_INFINITY], '1 to 600000'],
    ['maxStaleness', [-1, 60_001, Number.NaN], '0 to 60000'],
  ])('rejects an invalid %s', (name, values, range) => {
    for (const value of values) {
      expect(() => postgres(url, { [name]: value })).toThrow(
        `postgres(): \`${name}\` must be a whole number from ${range}.`,
      )
    }
    expect(() => postgres(url, { [name]: undefined })).not.toThrow()
  })

  it('explains how to install pg if it is missing', async () => {
    const hooks = `import { registerHooks } from 'node:module'
      registerHooks({ resolve(name, context, next) {
        if (name !== 'pg') return next(name, context)
        throw Object.assign(new Error('Cannot find package ' + name), { code: 'ERR_MODULE_NOT_FOUND' })
      } })`
    const child = start(
      `await postgres('${url}').open().catch((error) => console.log(error.code, error.message))`,
      hooks,
    )
    expect(await text(child.stdout)).toMatch(
      /^LATCHKEY_STORE_UNUSABLE .*npm i pg\. See \S+#latchkey_store_unusable\n$/,
    )
  })
})

describe('an unusable database is rejected at boot, with the reason and without the password', () => {
  async function refusal(url: string): Promise<string> {
    const error = await postgres(url)
      .open()
      .catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'LATCHKEY_STORE_UNUSABLE' })
    expect(String(error)).not.toMatch(/hunter2|postgres:\/\//)
    return String(error)
  }

  it('because nothing listens at its address, or its host name is unknown', async () => {
    const proxy = await startProxy('postgres://latchkey:hunter2@localhost/latchkey')
    const { port } = new URL(proxy.url)
    proxy.refuse()
    expect(await refusal(proxy.url)).toMatch(/cannot be used: (Connection terminated|read ECONN)/)
    expect(await refusal(proxy.url.replace(port, '1'))).toContain('ECONNREFUSED 127.0.0.1:1')
    const names = `postgres://latchkey:hunter2@localhost:1/latchkey`
    expect(await refusal(names)).toMatch(/ECONNREFUSED (::1|127\.0\.0\.1):1/)
  })

  it('because the user, the password or the database name is wrong', async () => {
    const url = new URL((await ownServer()).url)
    url.password = 'hunter2'
    expect(await refusal(url.href)).toContain('password authentication failed')
    url.href = await emptyDatabase()
    url.pathname = '/nowhere'
    expect(await refusal(url.href)).toContain('database "nowhere" does not exist')
  })

  it('because the user is not allowed to create tables, or has no schema for them', async () => {
    const url = await emptyDatabase()
    const stranger = await withRole(url, 'hunter2')
    expect(await refusal(stranger)).toContain('permission denied for schema public')
    const lost = withSettings(url, '-c search_path=nowhere')
    expect(await refusal(lost)).toContain('no schema in its search_path exists')
  })

  it('because the user is not allowed to read the existing tables', async () => {
    const url = await emptyDatabase()
    await open(url)
    const stranger = await withRole(url, 'hunter2')
    expect(await refusal(stranger)).toContain('permission denied for table latchkey_migrations')
  })

  it('because a newer version has changed its tables', async () => {
    const url = await emptyDatabase()
    await open(url)
    await ask(
      url,
      "insert into latchkey_migrations values ('999-later', '2030-01-01T00:00:00.000Z')",
    )
    expect(await refusal(url)).toContain('A newer version of Latchkey has changed the store')
  })
})

describe('the tables', () => {
  const done = [
    { name: '001-users-identities-sessions' },
    { name: '002-session-life' },
    { name: '003-record' },
  ] as const

  /** Creates the tables as the first version did, with a person signed in. */
  async function makeFirstTables(url: string): Promise<void> {
    const [first] = done
    await ask(url, 'create table latchkey_migrations (name text, timestamp text)')
    await migrations[first.name]?.(
      (statement) => ask(url, statement.join('')) as Promise<never[]>,
      'postgresql',
    )
    await ask(url, 'insert into latchkey_migrations values ($1, $2)', [first.name, 'then'])
    await ask(url, "insert into latchkey_users values ('a', 'Test Person', null, 0, null, 1)")
    await signInAsBefore(url, 'before')
  }

  function signInAsBefore(url: string, id: string): Promise<unknown> {
    return ask(
      url,
      `insert into latchkey_sessions
        (id, user_id, provider, secret_hash, created_at, authenticated_at, expires_at)
        values ($1, 'a', 'bitbucket', 'hash', 1, 2, 3)`,
      [id],
    )
  }

  it('are created once by four concurrent processes, even through a pooler', async () => {
    const proxy = await startProxy(await emptyDatabase(), { pooler: true })
    const children = Array.from({ length: 4 }, () =>
      start(`const store = postgres('${proxy.url}')
        await store.open()
        console.log(await store.useFlow('flow', 1))
        await store.close()`),
    )
    const said = await Promise.all(children.map(({ stdout }) => text(stdout)))
    expect(said.sort()).toEqual(['false\n', 'false\n', 'false\n', 'true\n'])
  })

  it('are unchanged after a process is killed while migrating them, and are migrated by the next process', async () => {
    const url = await emptyDatabase()
    await makeFirstTables(url)
    const reader = await connect(url)
    await reader.query('begin; select from latchkey_sessions')
    const killed = start(`await postgres('${url}').open()`)
    // It has already changed the users.
    await vi.waitFor(async () => expect(await countWaiting(url, 'relation')).toBe(1), 20_000)
    const waiting = postgres(url)
    const opened = waiting.open()
    await vi.waitFor(async () => expect(await countWaiting(url, 'advisory')).toBe(1), 20_000)
    killed.kill('SIGKILL')
    await once(killed, 'exit')
    await reader.query('rollback')
    await opened
    expect((await waiting.findSession('before'))?.user.bannedAt).toBeNull()
    expect(await ask(url, 'select name from latchkey_migrations')).toEqual(done)
    await waiting.close()
  })

  it('of the previous version are migrated while it writes, and it continues to work', async () => {
    const url = await emptyDatabase()
    await makeFirstTables(url)
    const before = await connect(url)
    await before.query('begin')
    await before.query("update latchkey_sessions set expires_at = 4 where id = 'before'")
    const upgrading = open(url)
    await vi.waitFor(async () => expect(await countWaiting(url, 'relation')).toBe(1), 20_000)
    await before.query('commit')
    const store = await upgrading
    await signInAsBefore(url, 'during')
    for (const [id, expiresAt] of [
      ['before', 4],
      ['during', 3],
    ] as const) {
      const found = await store.findSession(id)
      expect(found?.session).toMatchObject({ id, expiresAt, lastUsedAt: 2, device: null })
      expect(found?.user).toMatchObject({ id: 'a', bannedAt: null })
    }
  })

  it('in two schemas of one database are independent of each other', async () => {
    const url = await emptyDatabase()
    await ask(url, 'create schema first; create schema second')
    const [first, second] = [
      await open(withSettings(url, '-c search_path=first')),
      await open(withSettings(url, '-c search_path=second')),
    ]
    await first.insertUser(user)
    expect(await second.findUser('a')).toBeNull()
    expect(await ask(url, 'select id from first.latchkey_users')).toEqual([{ id: 'a' }])
  })

  it('are created in the first schema of the search_path, even if a later one already has some of them', async () => {
    const url = await emptyDatabase()
    const first = await open(url)
    await first.insertUser(user)
    await ask(url, 'create schema second')
    const second = await open(withSettings(url, '-c search_path=second,public'))
    expect(await second.findUser('a')).toBeNull()
    await second.insertUser({ ...user, name: 'Another' })
    expect((await first.findUser('a'))?.name).toBe(user.name)
  })

  it.each(['serializable', 'repeatable read'])(
    'are created once by four stores whose transactions are %s by default',
    async (isolation) => {
      const escaped = isolation.replace(' ', '\\ ')
      const url = withSettings(await emptyDatabase(), `-c default_transaction_isolation=${escaped}`)
      const stores = await Promise.all([0, 1, 2, 3].map(() => open(url)))
      for (const store of stores) expect(await store.findUser('a')).toBeNull()
    },
  )
})

describe('a PostgreSQL that is slow', () => {
  const timeout = 1000

  it('because all connections are busy times out, and works again once one is free', async () => {
    const store = await open(await emptyDatabase(), { maxConnections: 2, timeout })
    const held = [0, 1].map(() => {
      const { promise: end, resolve } = Promise.withResolvers<void>()
      const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
      const ended = store.transaction('process', async (queries) => {
        await queries.findUser('a')
        begin()
        await end
      })
      return { begun, end: resolve, ended: Promise.allSettled([ended]) }
    })
    await Promise.all(held.map(({ begun }) => begun))
    await expect(store.findUser('a')).rejects.toThrow('timeout exceeded when trying to connect')
    for (const { end } of held) end()
    await Promise.all(held.map(({ ended }) => ended))
    expect(await store.findUser('a')).toBeNull()
  })

  it('and loses a server while it creates the tables lets the next server create them', async () => {
    const url = await emptyDatabase()
    const other = await connect(url)
    await other.query('begin; create table latchkey_users (id text)')
    const proxy = await startProxy(url)
    const lost = postgres(proxy.url, { timeout: 500 })
    const opening = lost.open().catch(() => 'given up')
    await untilWaiting(url, 1)
    proxy.hang()
    await other.query('rollback')
    // The lock of the lost server is released after ten times the timeout.
    const next = await open(url, { timeout: 500 })
    expect(await next.findUser('a')).toBeNull()
    proxy.cut()
    expect(await opening).toBe('given up')
  })

  it('for a while gets every connection back, even those that were ready too late', async () => {
    const proxy = await startProxy(await emptyDatabase())
    const store = await open(proxy.url, { maxConnections: 2, timeout: 500, maxStaleness: 0 })
    proxy.hold()
    // Start them one after the other, so that some wait for connections that are being checked.
    const asked: Promise<unknown>[] = []
    const asking = setInterval(() => asked.push(store.findUser('a').catch(() => 'late')), 25)
    await vi.waitFor(() => expect(asked.length).toBeGreaterThan(60), 20_000)
    clearInterval(asking)
    proxy.pass()
    await Promise.all(asked)
    await vi.waitFor(async () => {
      const answers = await Promise.all([store.findUser('a'), store.findUser('b')])
      expect(answers).toEqual([null, null])
    }, 10_000)
  })

  it('because it hangs times out, and the connection is not reused', async () => {
    const proxy = await startProxy(await emptyDatabase())
    const store = await open(proxy.url, { maxConnections: 1, maxStaleness: 0, timeout })
    const waiting = store.transaction('process', async (queries) => {
      await queries.findUser('a')
      proxy.hang()
      await queries.insertUser(user)
    })
    await expect(waiting).rejects.toThrow('Query read timeout')
    await expect(store.findUser('a')).rejects.toThrow('connection timeout')
    proxy.pass()
    expect(await store.findUser('a')).toBeNull()
    proxy.hang()
    await expect(store.findUser('a')).rejects.toThrow('Query read timeout')
    proxy.pass()
    expect(await store.findUser('a')).toBeNull()
  })

  it('because a table is locked times out on both sides, so that no abandoned query keeps running', async () => {
    const url = await emptyDatabase()
    const store = await open(url, { timeout })
    const other = await connect(url)
    await other.query('begin; lock table latchkey_users in access exclusive mode')
    await expect(store.findUser('a')).rejects.toThrow('due to statement timeout')
    expect(await countWaiting(url, 'relation')).toBe(0)
    await other.query('rollback')
    expect(await store.findUser('a')).toBeNull()
  })

  it('behind a pooler times out, and leaves no settings on a shared connection', async () => {
    const url = await emptyDatabase()
    const { url: pooled } = await startProxy(url, { pooler: true })
    const store = await open(pooled, { timeout })
    const other = await connect(url)
    await other.query('begin; lock table latchkey_users in access exclusive mode')
    await expect(store.findUser('a')).rejects.toThrow('Query read timeout')
    expect(await countWaiting(url, 'relation')).toBe(1)
    await other.query('rollback')
    expect(await store.findUser('a')).toBeNull()
  })

  it('does not keep a process from exiting', async () => {
    const proxy = await startProxy(await emptyDatabase())
    const child = start(`const store = postgres('${proxy.url}')
      await store.open()
      await store.useFlow('flow', 1)
      console.log('open')
      process.stdin.once('data', () => store.close().then(() => process.stdin.destroy()))`)
    await once(child.stdout, 'data')
    proxy.hang()
    child.stdin.end('close')
    expect(await once(child, 'exit')).toEqual([0, null])
    // PostgreSQL waits a minute for the first message of a connection, and cannot drop a database
    // until then.
    proxy.cut()
  })
})

describe('a connection that is lost', () => {
  it('while it is idle causes no error', async () => {
    const proxy = await startProxy(await emptyDatabase())
    const store = await open(proxy.url, { maxStaleness: 0 })
    await store.insertUser(user)
    await vi.waitFor(() => expect(proxy.connections).toBe(1))
    proxy.cut()
    await vi.waitFor(() => expect(proxy.connections).toBe(0))
    await setImmediate()
    expect(await store.findUser('a')).toEqual(user)
  })

  it('in the middle of a transaction rolls the transaction back, and the next one works', async () => {
    const proxy = await startProxy(await emptyDatabase())
    const store = await open(proxy.url)
    let runs = 0
    const cut = store.transaction('process', async (queries) => {
      runs++
      await queries.insertUser(user)
      proxy.cut()
      await queries.insertSession(session)
    })
    await expect(cut).rejects.toThrow(/Connection terminated|not queryable/)
    expect(runs).toBe(1)
    expect(await store.findUser('a')).toBeNull()
  })

  it('because PostgreSQL closes it in the middle of a transaction rolls the transaction back, and the next one works', async () => {
    const url = await emptyDatabase()
    const store = await open(url)
    const ended = store.transaction('process', async (queries) => {
      await queries.insertUser(user)
      await ask(
        url,
        `select pg_terminate_backend(pid) from pg_stat_activity
        where state = 'idle in transaction' and datname = current_database()`,
      )
      await queries.insertSession(session)
    })
    await expect(ended).rejects.toThrow(/terminat|not queryable/)
    expect(await store.findUser('a')).toBeNull()
  })
})

describe('a PostgreSQL that is killed', () => {
  it('has everything that it acknowledged once it is back, and no part of an open transaction', async () => {
    const server = await ownServer()
    const store = await open(server.url)
    await store.transaction('process', (queries) => queries.insertUser(user))
    const halfway = store.transaction('power-loss', async (queries) => {
      await queries.insertSession(session)
      await server.kill()
      await queries.touchSessions(['s'], 1, never)
    })
    await expect(halfway).rejects.toThrow()
    await expect(store.findUser('a')).rejects.toThrow('ECONNREFUSED')
    await server.start()
    expect(await store.findUser('a')).toEqual(user)
    expect(await store.findSession('s')).toBeNull()
    await store.insertSession(session)
    await store.deleteSession('s', ending)
    await server.kill()
    await server.start()
    expect(await store.findSession('s')).toBeNull()
  })

  it('has every session end that it acknowledged, even if it uses asynchronous commits', async () => {
    const settings = { synchronous_commit: 'off', wal_writer_delay: '10000' }
    const server = await ownServer({ settings })
    const store = await open(server.url)
    await store.insertUser(user)
    await store.insertSession(session)
    await store.deleteSession('s', ending)
    await server.kill()
    await server.start()
    expect(await store.findUser('a')).toEqual(user)
    expect(await store.findSession('s')).toBeNull()
  })

  it.each([
    ['off', 'off', 'on'],
    ['local', 'local', 'on'],
    ['on', 'on', 'on'],
    ['remote_apply', 'remote_apply', 'remote_apply'],
  ])(
    'with synchronous_commit %s commits a sign-in with %s and the end of a session with %s',
    async (set, signIn, end) => {
      const url = await emptyDatabase()
      const database = new URL(url).pathname.slice(1)
      await ask(
        url,
        `alter database ${database} set synchronous_commit = ${set};
      create table said (setting text);
      create function say() returns trigger language plpgsql as $$ begin
        insert into said values (current_setting('synchronous_commit')); return null; end $$`,
      )
      const store = await open(url)
      await ask(url, 'create trigger say after insert on latchkey_users execute function say()')
      await store.transaction('process', (queries) => queries.insertUser(user))
      await store.transaction('power-loss', (queries) => queries.insertUser({ ...user, id: 'b' }))
      await store.transaction('process', (queries) => queries.insertUser({ ...user, id: 'c' }))
      const said = await ask(url, 'select setting from said')
      expect(said.map(({ setting }) => setting)).toEqual([signIn, end, signIn])
    },
  )
})

describe('transactions of several stores', () => {
  it('that deadlock run again, and none of them is lost', async () => {
    const url = await emptyDatabase()
    const stores = [await open(url), await open(url)]
    await stores[0]?.insertUser({ ...user, id: 'a', name: '0' })
    await stores[0]?.insertUser({ ...user, id: 'b', name: '0' })
    const both = Promise.withResolvers<void>()
    let begun = 0
    let runs = 0
    const increments = stores.map((store, index) =>
      store.transaction('process', async (queries) => {
        runs++
        for (const id of index === 0 ? ['a', 'b'] : ['b', 'a']) {
          const name = String(Number((await queries.findUser(id))?.name) + 1)
          await queries.updateUser({ ...user, id, name })
          // Wait until each one waits for the other's lock.
          if (++begun === 2) both.resolve()
          await both.promise
        }
      }),
    )
    await Promise.all(increments)
    expect(runs).toBe(3)
    for (const id of ['a', 'b']) expect((await stores[0]?.findUser(id))?.name).toBe('2')
  })

  it('for one user take turns, so that the user never has too many sessions', async () => {
    const url = await emptyDatabase()
    const [one, other] = [await open(url), await open(url)]
    await one.insertUser(user)
    const signIn = (store: Store, id: string, pause?: () => Promise<void>): Promise<void> =>
      store.transaction('process', async (queries) => {
        await queries.findUser('a')
        await queries.insertSession({ ...session, id })
        await queries.deleteOldestSessionsOf('a', 1, ending)
        await pause?.()
      })
    let second: Promise<void> | undefined
    await signIn(one, 's', async () => {
      second = signIn(other, 't')
      await vi.waitFor(async () => expect(await countWaiting(url, 'transactionid')).toBe(1), 20_000)
    })
    await second
    expect((await one.listSessions('a', { limit: 100 })).map(({ id }) => id)).toEqual(['t'])
  })

  it('delete expired rows concurrently', async () => {
    const url = await emptyDatabase()
    const stores = [await open(url), await open(url)]
    for (let flow = 0; flow < 40; flow++) await stores[0]?.useFlow(`${flow}`, 1)
    const other = await connect(url)
    await other.query("begin; delete from latchkey_used_flows where id = '0'")
    await Promise.all(
      stores.map((store) =>
        store.transaction('process', (queries) => queries.deleteExpired(2, 0, 30)),
      ),
    )
    await other.query('rollback')
    expect(await ask(url, 'select id from latchkey_used_flows')).toEqual([{ id: '0' }])
  })
})

describe('a standby, which may not yet know that a session has ended', () => {
  it('is never used: not at boot, and not after the primary’s name points to it', async () => {
    const primary = await ownServer()
    const proxy = await startProxy(primary.url)
    const store = await open(proxy.url)
    await store.insertUser(user)
    await store.insertSession(session)
    await primary.stop()
    const standby = await ownServer({ standbyOf: primary.folder })
    await primary.start()
    await store.deleteSession('s', ending)
    expect(await ask(standby.url, 'select id from latchkey_sessions')).toEqual([{ id: 's' }])

    proxy.leadTo(standby.url)
    const isRefused = (): Promise<void> =>
      expect(store.findSession('s')).rejects.toThrow('points to a standby')
    // This happens once the pool has noticed that all connections are lost.
    await vi.waitFor(isRefused)
    await isRefused()
    await expect(postgres(standby.url).open()).rejects.toMatchObject({
      code: 'LATCHKEY_STORE_UNUSABLE',
      message: expect.stringContaining('points to a standby'),
    })

    proxy.leadTo(primary.url)
    expect(await store.findSession('s')).toBeNull()
  })
})
