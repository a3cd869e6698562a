import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { DatabaseSync, StatementSync } from 'node:sqlite'
import { describe, expect, it, vi } from 'vitest'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'

const emulator = setUpEmulator()

/** Opens a store in a process that kills itself before a statement that begins with this text. */
async function openAndDie(file: string, statement: string): Promise<void> {
  const program = `
    import { DatabaseSync } from 'node:sqlite'
    import { sqlite } from ${JSON.stringify(new URL('../store/sqlite.ts', import.meta.url).href)}
    const { prepare } = DatabaseSync.prototype
    DatabaseSync.prototype.prepare = function (sql) {
      if (sql.startsWith(${JSON.stringify(statement)})) process.kill(process.pid, 'SIGKILL')
      return prepare.call(this, sql)
    }
    await sqlite(${JSON.stringify(file)}).open()`
  const args = ['--input-type=module', '--eval', program]
  const child = spawn(process.execPath, args, { stdio: 'ignore' })
  const [, signal] = await once(child, 'exit')
  expect(signal).toBe('SIGKILL')
}

function tables(file: string): string[] {
  const database = new DatabaseSync(file)
  const rows = database.prepare("select name from sqlite_schema where type = 'table'").all()
  database.close()
  return rows.map(({ name }) => String(name))
}

describe('a server that is killed while it creates its tables', { timeout: 30_000 }, () => {
  it.each([
    'create table if not exists latchkey_migrations',
    'create table latchkey_users',
    'create table latchkey_sessions',
    'create index latchkey_used_flows_expiry',
    'insert into latchkey_migrations',
    'commit',
  ])(
    'before «%s» has created no tables, and two servers that start after it both work',
    async (statement) => {
      const file = temporaryFile()
      await openAndDie(file, statement)
      expect(tables(file)).not.toContain('latchkey_users')

      const apps = await Promise.all(
        [sqlite(file), sqlite(file)].map((store) => buildApp(emulator(), { store })),
      )
      for (const app of apps) {
        expect((await createBrowser(app).signIn('ada')).headers.location).toBe('/')
      }
      const database = new DatabaseSync(file)
      expect(database.prepare('pragma integrity_check').get()).toEqual({ integrity_check: 'ok' })
      expect(database.prepare('select name from latchkey_migrations').all()).toEqual([
        { name: '001-users-identities-sessions' },
        { name: '002-session-life' },
        { name: '003-record' },
      ])
      database.close()
    },
  )
})

it('a server that starts while another process has locked the file waits for its turn to create the tables', async () => {
  const file = temporaryFile()
  const holder = new DatabaseSync(file)
  holder.exec('pragma journal_mode = wal; begin immediate')
  const store = sqlite(file)
  const run = vi.spyOn(StatementSync.prototype, 'all')
  const opened = store.open()
  await vi.waitFor(() => {
    const statements = run.mock.contexts as StatementSync[]
    const begun = statements.filter(({ sourceSQL }) => sourceSQL === 'begin immediate')
    expect(begun.length).toBeGreaterThan(1)
  })
  run.mockRestore()
  holder.exec('commit')
  holder.close()
  await opened
  await store.close()
})

it('a server that starts with up-to-date tables does not wait for a lock', async () => {
  const file = temporaryFile()
  const before = sqlite(file)
  await before.open()
  await before.close()
  const holder = new DatabaseSync(file)
  holder.exec('begin immediate')
  const store = sqlite(file)
  await store.open()
  expect(await store.findUser('a')).toBeNull()
  await store.close()
  holder.close()
})
