import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it, onTestFinished } from 'vitest'
import { openStore } from './contenders/latchkey.ts'
import { fillSqlite } from './fill.ts'

it('spreads the times when the sessions were last used evenly over the given period', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const store = openStore('sqlite', { folder, postgresUrl: '' })
  await store.open()
  await store.close()
  const file = join(folder, 'latchkey.db')
  const amounts = { sessions: 600, inUse: 600, away: 0, fresh: 0, lastUsedWithin: 60_000 }
  const started = Date.now()
  expect(fillSqlite(file, amounts).inUse).toHaveLength(600)

  const database = new DatabaseSync(file)
  onTestFinished(() => database.close())
  const times = database
    .prepare('select last_used_at as time from latchkey_sessions order by last_used_at')
    .all()
    .map(({ time }) => Number(time))
  const gaps = times.slice(1).map((time, index) => time - (times[index] as number))
  // That is about ten per second.
  expect(Math.max(...gaps)).toBeLessThan(300)
  expect(times[0]).toBeGreaterThan(started - 60_001)
  expect(times[0]).toBeLessThan(started - 59_000)
})
