import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, StatementSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { sqlite } from './sqlite.ts'
import { testStore } from './testing/store-contract.ts'

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
}

describe('a SQLite file', () => {
  it('keeps what it was given over a restart, and migrates once', async () => {
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

  it('opened by two stores at once is shared, and a flow is still used once', async () => {
    const file = join(folder, 'latchkey.db')
    const stores = [sqlite(file), sqlite(file)]
    await Promise.all(stores.map((store) => store.open()))
    const answers = await Promise.all(stores.map((store) => store.useFlow('flow', 1)))
    expect(answers.filter(Boolean)).toHaveLength(1)
    await Promise.all(stores.map((store) => store.close()))
  })

  it('made by four processes at once is made once', async () => {
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

  it('that is being changed to WAL by another process is waited for', async () => {
    const file = join(folder, 'latchkey.db')
    const other = new DatabaseSync(file)
    other.exec('create table t (a); begin exclusive')
    const store = sqlite(file)
    const opening = store.open()
    for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate)
    other.exec('commit')
    other.close()
    await opening
    expect(await store.useFlow('flow', 1)).toBe(true)
    await store.close()
  })

  it('that is no database is refused, by name', async () => {
    const file = join(folder, 'notes.txt')
    writeFileSync(file, 'these are notes, and they are long enough to be no header of a database')
    await expect(sqlite(file).open()).rejects.toMatchObject({
      code: 'LATCHKEY_STORE_UNUSABLE',
      message: expect.stringContaining(`${file} cannot be used as a database`),
    })
  })

  it('that a newer version has changed is refused, by name', async () => {
    const file = join(folder, 'latchkey.db')
    const store = sqlite(file)
    await store.open()
    await store.close()
    const newer = new DatabaseSync(file)
    newer.exec("insert into latchkey_migrations values ('999-later', '2030-01-01T00:00:00.000Z')")
    newer.close()
    await expect(sqlite(file).open()).rejects.toMatchObject({
      code: 'LATCHKEY_STORE_UNUSABLE',
      message: expect.stringContaining('A newer version of Latchkey has changed it. Upgrade'),
    })
  })

  it('that another process is writing to is waited for, while other work goes on', async () => {
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
    for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate)
    expect(answered).toBe(false)
    other.exec('commit')
    expect(await used).toEqual([true, 7])
    other.close()
    await store.close()
  })

  it('gives each transaction its turn, so that none has to be done twice', async () => {
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

  it('is written to in WAL mode, migrated in one transaction, and synced when power must not matter', async () => {
    const run = vi.spyOn(StatementSync.prototype, 'run')
    const statements = run.mock.contexts as StatementSync[]
    const said = (): string[] => statements.splice(0).map(({ sourceSQL }) => sourceSQL)
    const file = join(folder, 'latchkey.db')
    const store = sqlite(file)
    await store.open()
    const boot = said()
    const begin = boot.indexOf('begin immediate')
    const create = boot.findIndex((sql) => sql.startsWith('create table "latchkey_users"'))
    const commit = boot.lastIndexOf('commit')
    expect([begin > -1, begin < create, create < commit]).toEqual([true, true, true])

    await store.transaction('power-loss', (queries) => queries.deleteSession('s'))
    expect(said()).toEqual([
      'pragma synchronous = full',
      'begin immediate',
      'delete from "latchkey_sessions" where "id" = ?',
      'commit',
      'pragma synchronous = normal',
    ])
    await store.transaction('process', (queries) => queries.deleteSession('s'))
    expect(said()).not.toContain('pragma synchronous = full')
    run.mockRestore()
    await store.close()
    const reader = new DatabaseSync(file)
    expect(reader.prepare('pragma journal_mode').get()).toEqual({ journal_mode: 'wal' })
    reader.close()
  })
})
