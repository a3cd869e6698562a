import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sqlite } from './sqlite.ts'
import { testStore } from './testing/store-contract.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-sqlite-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

testStore('sqlite in memory', () => sqlite(':memory:'))
testStore('sqlite in a file', () => sqlite(join(folder, 'deep', 'er', 'latchkey.db')))

const user = { name: null, email: null, emailVerified: false, avatarUrl: null, createdAt: 1 }

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

  it('that is no database is refused, by name', async () => {
    const file = join(folder, 'notes.txt')
    writeFileSync(file, 'these are notes, and they are long enough to be no header of a database')
    await expect(sqlite(file).open()).rejects.toMatchObject({
      code: 'LATCHKEY_STORE_UNUSABLE',
      message: expect.stringContaining(`${file} cannot be used as a database`),
    })
  })
})
