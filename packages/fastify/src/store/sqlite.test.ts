import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, StatementSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { testStore } from '../testing/store-contract.ts'
import { ending, session } from '../testing/stored.ts'
import { sqlite } from './sqlite.ts'
import type { Change, Store, Watch } from './store.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-sqlite-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

testStore('sqlite in memory', () => sqlite(':memory:'))
testStore('sqlite in a file', () => sqlite(join(folder, 'deep', 'er', 'latchkey.db')))

const user = {
  name: null,
  email: null,
  emailVerified: false,
  avatarUrl: null,
  createdAt: 1,
  bannedAt: null,
  roles: [],
  isPending: false,
  isNameEdited: false,
}

describe('a SQLite file', () => {
  it.each(['postgres://latchkey:hunter2@db.example/latchkey', 'file:///data/latchkey.db', 7])(
    'cannot be %s, and the message does not repeat it',
    (file) => {
      const open = (): Store => sqlite(file as string)
      expect(open).toThrow(/the file must be a path.*PostgreSQL.*postgres\(\)/)
      expect(open).not.toThrow(/hunter2/)
    },
  )

  it('keeps its rows after a restart, and is migrated only once', async () => {
    const file = join(folder, 'latchkey.db')
    const first = sqlite(file)
    await first.open()
    await first.insertUser({ ...user, id: 'a' })
    await first.close()
    const second = sqlite(file)
    await second.open()
    expect(await second.findUser('a')).toEqual({ ...user, id: 'a' })
    await second.close()
  })

  it('is shared by two concurrent stores, and a flow can still be used only once', async () => {
    const file = join(folder, 'latchkey.db')
    const stores = [sqlite(file), sqlite(file)]
    await Promise.all(stores.map((store) => store.open()))
    const answers = await Promise.all(stores.map((store) => store.useFlow('flow', 1)))
    expect(answers.filter(Boolean)).toHaveLength(1)
    await Promise.all(stores.map((store) => store.close()))
  })

  it('is created once by four concurrent processes', async () => {
    const file = join(folder, 'latchkey.db')
    const program = `
      import { sqlite } from ${JSON.stringify(new URL('./sqlite.ts', import.meta.url).href)}
      const store = sqlite(${JSON.stringify(file)})
      await store.open()
      process.stdout.write(String(await store.useFlow('flow', 1)))
      await store.close()`
    const run = (): Promise<{ stdout: string }> =>
      promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program])
    const answers = await Promise.all([run(), run(), run(), run()])
    expect(answers.map(({ stdout }) => stdout).sort()).toEqual(['false', 'false', 'false', 'true'])
  })

  it('opens only after another process has finished switching it to WAL', async () => {
    const file = join(folder, 'latchkey.db')
    const other = new DatabaseSync(file)
    other.exec('create table t (a); begin exclusive')
    const store = sqlite(file)
    const opening = store.open()
    for (let turn = 0; turn < 100; turn++) await nextTurn()
    other.exec('commit')
    other.close()
    await opening
    expect(await store.useFlow('flow', 1)).toBe(true)
    await store.close()
  })

  it('that is not a database is rejected with an error that includes its path', async () => {
    const file = join(folder, 'notes.txt')
    writeFileSync(file, 'these are notes, and they are longer than the header of a database file')
    await expect(sqlite(file).open()).rejects.toMatchObject({
      code: 'LATCHKEY_STORE_UNUSABLE',
      message: expect.stringContaining(`${file} cannot be used as a database`),
    })
  })

  it('that a newer version has changed is rejected', async () => {
    const file = join(folder, 'latchkey.db')
    const store = sqlite(file)
    await store.open()
    await store.close()
    const newer = new DatabaseSync(file)
    newer.exec("insert into latchkey_migrations values ('999-later', '2030-01-01T00:00:00.000Z')")
    newer.close()
    await expect(sqlite(file).open()).rejects.toMatchObject({
      code: 'LATCHKEY_STORE_UNUSABLE',
      message: expect.stringContaining('A newer version of Latchkey has changed the store'),
    })
  })

  it('that another process is writing to makes writes wait without blocking the event loop', async () => {
    const file = join(folder, 'latchkey.db')
    const store = sqlite(file)
    await store.open()
    const other = new DatabaseSync(file)
    other.exec('begin immediate')
    let answered = false
    const used = Promise.all([
      store.useFlow('flow', 1),
      store.transaction('process', async () => 7),
    ])
    used.finally(() => {
      answered = true
    })
    for (let turn = 0; turn < 100; turn++) await nextTurn()
    expect(answered).toBe(false)
    other.exec('commit')
    expect(await used).toEqual([true, 7])
    other.close()
    await store.close()
  })

  it('runs transactions in turn, so that none has to run twice', async () => {
    const file = join(folder, 'latchkey.db')
    const stores = [sqlite(file), sqlite(file)]
    await Promise.all(stores.map((store) => store.open()))
    await stores[0]?.insertUser({ ...user, id: 'a', name: '0' })
    let runs = 0
    const increments = Array.from({ length: 20 }, (_, index) =>
      stores[index % 2]?.transaction('process', async (queries) => {
        runs++
        const name = String(Number((await queries.findUser('a'))?.name) + 1)
        await queries.updateUser({ ...user, id: 'a', name })
      }),
    )
    await Promise.all(increments)
    expect((await stores[1]?.findUser('a'))?.name).toBe('20')
    expect(runs).toBe(20)
    await Promise.all(stores.map((store) => store.close()))
  })

  it.each(['process', 'power-loss'] as const)(
    'retries a failed rollback before the next transaction starts (durability: %s)',
    async (durability) => {
      const store = sqlite(join(folder, 'latchkey.db'))
      await store.open()
      const { all } = StatementSync.prototype
      const spy = vi.spyOn(StatementSync.prototype, 'all')
      onTestFinished(() => spy.mockRestore())
      spy.mockImplementation(function (this: StatementSync, ...values) {
        if (this.sourceSQL !== 'rollback') return Reflect.apply(all, this, values)
        spy.mockRestore()
        throw new Error('the disk is on fire')
      })
      const failing = store.transaction(durability, async (queries) => {
        await queries.insertUser({ ...user, id: 'a' })
        throw new Error('halfway')
      })
      await expect(failing).rejects.toThrow()
      await store.transaction(durability, (queries) => queries.insertUser({ ...user, id: 'b' }))
      expect((await store.listUsers({ limit: 10 })).map(({ id }) => id)).toEqual(['b'])
      await store.close()
    },
  )

  it('uses WAL mode, migrates in one transaction, and syncs writes that must survive a power loss', async () => {
    const run = vi.spyOn(StatementSync.prototype, 'all')
    const statements = run.mock.contexts as StatementSync[]
    const said = (): string[] => statements.splice(0).map(({ sourceSQL }) => sourceSQL)
    const file = join(folder, 'latchkey.db')
    const store = sqlite(file)
    await store.open()
    const boot = said()
    const begin = boot.indexOf('begin immediate')
    const create = boot.findIndex((sql) => sql.startsWith('create table latchkey_users'))
    const commit = boot.lastIndexOf('commit')
    expect([begin > -1, begin < create, create < commit]).toEqual([true, true, true])

    await store.transaction('power-loss', (queries) => queries.deleteSession('s', ending))
    expect(said()).toEqual([
      'pragma synchronous = full',
      'begin immediate',
      'update latchkey_sessions set end_reason = ?, end_actor = ? where id = ?',
      'delete from latchkey_sessions where id = ?',
      'commit',
      expect.stringContaining('from latchkey_record where id > ?'),
      'pragma synchronous = normal',
    ])
    await store.transaction('process', (queries) => queries.deleteSession('s', ending))
    expect(said()).not.toContain('pragma synchronous = full')
    run.mockRestore()
    await store.close()
    const reader = new DatabaseSync(file)
    expect(reader.prepare('pragma journal_mode').get()).toEqual({ journal_mode: 'wal' })
    reader.close()
  })
})

describe('changes to a SQLite file made by others', () => {
  const told: Change[] = []
  let file: string
  let store: Store
  let watch: Watch
  beforeEach(async () => {
    file = join(folder, 'latchkey.db')
    store = sqlite(file)
    await store.open()
    await store.insertUser({ ...user, id: 'a' })
    const found = store.watch?.(
      (change) => void told.push(change),
      () => undefined,
    )
    if (found === undefined) throw new Error('the store cannot be watched')
    watch = found
    expect(watch.isCurrent()).toBe(true)
    told.length = 0
  })
  afterEach(() => store.close())

  const otherConnection = (): DatabaseSync => {
    const other = new DatabaseSync(file)
    onTestFinished(() => other.close())
    return other
  }

  it('through another store in the same process are reported immediately, in the same turn', async () => {
    const other = sqlite(file)
    await other.open()
    await nextTurn()
    expect(watch.isCurrent()).toBe(true)
    told.length = 0
    let turns = 0
    const counting = setImmediate(() => turns++)
    await other.deleteUser('a', ending)
    expect(watch.isCurrent()).toBe(true)
    expect([told, turns]).toEqual([[{ user: 'a' }], 0])
    clearImmediate(counting)
    await other.close()
  })

  it('from another process are reported once that process has announced them', async () => {
    const program = `
      import { sqlite } from ${JSON.stringify(new URL('./sqlite.ts', import.meta.url).href)}
      const store = sqlite(${JSON.stringify(file)})
      await store.open()
      process.once('message', async () => {
        await store.deleteUser('a', { reason: 'deleted', actor: null })
        process.send('done', () => process.exit())
      })
      process.send('ready')`
    const other = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    onTestFinished(() => void other.kill())
    await once(other, 'message')
    expect(watch.isCurrent()).toBe(true)
    told.length = 0
    other.send('go')
    await once(other, 'message')
    expect(watch.isCurrent()).toBe(true)
    expect(told).toEqual([{ user: 'a' }])
  })

  it('are checked once per turn of the event loop, regardless of the number of requests', async () => {
    await nextTurn()
    const get = vi.spyOn(StatementSync.prototype, 'get')
    onTestFinished(() => get.mockRestore())
    for (let request = 0; request < 1000; request++) expect(watch.isCurrent()).toBe(true)
    expect(get).toHaveBeenCalledTimes(1)
    await nextTurn()
    for (let request = 0; request < 1000; request++) expect(watch.isCurrent()).toBe(true)
    expect(get).toHaveBeenCalledTimes(2)
    expect(told).toEqual([])
  })

  it('are reported only after their commit', async () => {
    const other = otherConnection()
    other.exec('begin immediate; delete from latchkey_users')
    await nextTurn()
    expect([watch.isCurrent(), told]).toEqual([true, []])
    other.exec('commit')
    await nextTurn()
    expect([watch.isCurrent(), told]).toEqual([true, [{ user: 'a' }]])
  })

  it('are reported while another connection still reads an older snapshot', async () => {
    const [reader, writer] = [otherConnection(), otherConnection()]
    reader.exec('begin; select * from latchkey_sessions')
    writer.exec("update latchkey_users set name = 'One'")
    await nextTurn()
    expect([watch.isCurrent(), told]).toEqual([true, [{ user: 'a' }]])
    writer.exec("update latchkey_users set name = 'Two'")
    await nextTurn()
    expect([watch.isCurrent(), told]).toEqual([true, [{ user: 'a' }, { user: 'a' }]])
  })

  it('make earlier results unreliable during a transaction that began before them, and are reported after it', async () => {
    otherConnection().exec("update latchkey_users set name = 'Other'")
    await nextTurn()
    await store.transaction('process', async (queries) => {
      await queries.updateUser({ ...user, id: 'a', name: 'Own' })
      expect(watch.isCurrent()).toBe(false)
      expect(told).toEqual([])
    })
    await nextTurn()
    expect([watch.isCurrent(), told]).toEqual([true, [{ user: 'a' }, { user: 'a' }]])
  })

  it('are reported, but not those from our own transaction if it is rolled back', async () => {
    const undone = store.transaction('process', async (queries) => {
      await queries.deleteUser('a', ending)
      await nextTurn()
      expect(watch.isCurrent()).toBe(true)
      throw new Error('halfway')
    })
    await expect(undone).rejects.toThrow('halfway')
    await nextTurn()
    expect([watch.isCurrent(), told]).toEqual([true, []])
    otherConnection().exec("update latchkey_users set name = 'Other'")
    await nextTurn()
    expect([watch.isCurrent(), told]).toEqual([true, [{ user: 'a' }]])
  })

  it('are reported once each when this store makes them itself', async () => {
    await store.insertUser({ ...user, id: 'b' })
    await store.transaction('process', (queries) => queries.deleteUser('b', ending))
    await nextTurn()
    expect([watch.isCurrent(), told]).toEqual([true, [{ user: 'b' }]])
  })

  it('are not reported if they do not invalidate an earlier result, such as the last use of a session', async () => {
    const other = otherConnection()
    await store.insertSession({ ...session, userId: 'a' })
    other.exec(
      "update latchkey_sessions set last_used_at = 5; pragma user_version = 7; insert into latchkey_used_flows values ('f', 1)",
    )
    await nextTurn()
    expect([watch.isCurrent(), told]).toEqual([true, []])
  })

  it.each([
    [
      'the end of a session, with its reason',
      "update latchkey_sessions set end_reason = 'banned' where id = 's'; delete from latchkey_sessions",
      [{ session: 's', user: 'a', ended: 'banned' }],
    ],
    [
      'a session deleted by hand',
      'delete from latchkey_sessions',
      [{ session: 's', user: 'a', ended: 'unknown' }],
    ],
    [
      'a user deleted with a session',
      'pragma foreign_keys = on; delete from latchkey_users',
      [{ session: 's', user: 'a', ended: 'unknown' }, { user: 'a' }],
    ],
    ['a changed secret', "update latchkey_sessions set secret_hash = 'other'", [{ session: 's' }]],
    ['a changed expiry', 'update latchkey_sessions set expires_at = 1', [{ session: 's' }]],
  ])('are reported: %s', async (_what, statements, changes) => {
    await store.insertSession({ ...session, userId: 'a' })
    otherConnection().exec(statements)
    await nextTurn()
    expect([watch.isCurrent(), told]).toEqual([true, changes])
  })

  it('are reported without a request while `attend()` is active', async () => {
    const stop = watch.attend()
    onTestFinished(stop)
    otherConnection().exec("update latchkey_users set name = 'Other'")
    await vi.waitFor(() => expect(told).toEqual([{ user: 'a' }]))
  })

  it('are reported as a change of everything if records were deleted before they were read', async () => {
    const other = otherConnection()
    const change = (name: string): void => {
      other.prepare('update latchkey_users set name = ?').run(name)
    }
    const old = (): void => other.exec('update latchkey_record set at = 0')
    change('One')
    await nextTurn()
    expect([watch.isCurrent(), told.splice(0)]).toEqual([true, [{ user: 'a' }]])
    old()
    await store.deleteExpired(0, 0, 1)
    change('Two')
    await nextTurn()
    expect([watch.isCurrent(), told.splice(0)]).toEqual([true, [{ user: 'a' }]])
    change('Three')
    change('Four')
    old()
    other.exec('delete from latchkey_record where id < (select max(id) from latchkey_record)')
    await nextTurn()
    expect(watch.isCurrent()).toBe(true)
    expect(told).toContain('everything')
    const [{ count } = { count: 0 }] = other
      .prepare('select count(*) as count from latchkey_record')
      .all()
    expect(count).toBe(1)
  })

  it('are reported row by row while another process continues to commit', async () => {
    const program = `
      import { DatabaseSync } from 'node:sqlite'
      const database = new DatabaseSync(${JSON.stringify(file)})
      database.exec('pragma busy_timeout = 5000')
      const update = database.prepare('update latchkey_users set name = ?')
      process.send('ready')
      process.once('message', () => {
        for (let count = 0; count < 3000; count++) update.run(String(count))
        process.send('done', () => process.exit())
      })`
    const other = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    onTestFinished(() => void other.kill())
    await once(other, 'message')
    let isDone = false
    other.once('message', () => {
      isDone = true
    })
    other.send('go')
    while (!isDone) {
      watch.isCurrent()
      await nextTurn()
    }
    watch.isCurrent()
    expect(told).toHaveLength(3000)
  })

  it('are reported as a change of everything once the file is replaced by an older one', async () => {
    const other = otherConnection()
    other.exec("update latchkey_users set name = 'One'")
    await nextTurn()
    expect(watch.isCurrent()).toBe(true)
    told.length = 0
    other.exec(
      "delete from latchkey_record; delete from sqlite_sequence where name = 'latchkey_record'",
    )
    await nextTurn()
    expect([watch.isCurrent(), told.splice(0)]).toEqual([true, ['everything']])
    await store.updateUser({ ...user, id: 'a', name: 'Two' })
    expect(told).toEqual([{ user: 'a' }])
  })

  it.each([
    [
      'a user',
      "insert or replace into latchkey_users (id, email_verified, created_at, banned_at) values ('a', 0, 1, 1)",
      { user: 'a' },
    ],
    [
      'a session',
      "insert or replace into latchkey_sessions (id, user_id, secret_hash, created_at, authenticated_at, expires_at) values ('s', 'a', 'other', 1, 1, 1)",
      { session: 's' },
    ],
  ])('are reported for %s that was replaced by hand', async (_what, statement, change) => {
    await store.insertSession({ ...session, userId: 'a' })
    otherConnection().exec(statement)
    await nextTurn()
    expect(watch.isCurrent()).toBe(true)
    expect(told).toContainEqual(change)
  })

  it('stay in the record for ten minutes, and no longer', async () => {
    const other = otherConnection()
    for (const minutes of [30, 20, 11, 9, 1]) {
      other
        .prepare("insert into latchkey_record (at, type, user_id) values (?, 'user-changed', ?)")
        .run(Date.now() - minutes * 60_000, `${minutes}`)
    }
    await store.deleteExpired(0, 0, 1)
    const left = other
      .prepare('select user_id from latchkey_record')
      .all()
      .map((row) => row.user_id)
    // The newest of the old rows shows a reader whether it has missed any.
    expect(left).toEqual(['11', '9', '1'])
  })
})
