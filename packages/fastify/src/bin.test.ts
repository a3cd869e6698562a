import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { postgres } from './store/postgres.ts'
import { sqlite } from './store/sqlite.ts'
import { buildApp, setUpEmulator, temporaryFile } from './testing/app.ts'
import { createBrowser } from './testing/browser.ts'
import { emptyDatabase } from './testing/postgres.ts'

const emulator = setUpEmulator()
const run = promisify(execFile)
const BIN = new URL('./bin.ts', import.meta.url).pathname
const ADA = '{a1e7c0de-0001-4a01-8a01-000000000001}'

async function latchkey(args: string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { stdout } = await run(process.execPath, [BIN, ...args], {
    env: { ...process.env, DATABASE_URL: '', ...env },
  })
  return stdout
}

describe('latchkey grant-role', () => {
  it('makes a user an administrator on a running server, and revoke-role takes it back', async () => {
    const file = temporaryFile()
    const app = await buildApp(emulator(), { store: sqlite(file) })
    app.get('/admin', { onRequest: app.latchkey.guard({ role: 'admin' }) }, async () => 'admin')
    const browser = createBrowser(app)
    await browser.signIn('ada')
    expect((await browser.get('/admin')).statusCode).toBe(403)

    const said = await latchkey(['grant-role', 'bitbucket', ADA, 'admin', '--store', file])
    expect(said).toMatch(/^Ada Test \([\w-]+\) has these roles now: admin\.\n$/)
    expect((await browser.get('/admin')).statusCode).toBe(200)
    const { user } = (await browser.get('/auth/session')).json()
    expect(user.roles).toEqual(['admin'])

    await latchkey(['revoke-role', '--user', user.id, 'admin', '--store', file])
    expect((await browser.get('/admin')).statusCode).toBe(403)
  })

  it('uses the PostgreSQL database at DATABASE_URL', async () => {
    const url = await emptyDatabase()
    const app = await buildApp(emulator(), { store: postgres(url) })
    await createBrowser(app).signIn('ada')
    const args = ['grant-role', 'bitbucket', ADA, 'editor']
    expect(await latchkey(args, { DATABASE_URL: url })).toContain('has these roles now: editor.')
  })

  it.each([
    [['grant'], 'There is no command `grant`.'],
    [['grant-role', 'bitbucket', 'admin'], 'Usage: latchkey grant-role <provider> <subject>'],
    [['grant-role', '--user', 'x', 'bitbucket', ADA, 'admin'], 'Usage: latchkey grant-role'],
    [['grant-role', 'bitbucket', ADA, 'an admin'], 'The role must have 1 to 64 letters'],
    [['grant-role', 'bitbucket', ADA, 'admin'], 'The database is missing. Pass --store'],
    [
      ['grant-role', 'bitbucket', ADA, 'admin', '--store', '/nowhere.db'],
      'The file at --store does not exist.',
    ],
    [['grant-role', '--usr', 'x', 'admin'], "Unknown option '--usr'"],
  ])('%j fails, and says what to do', async (args, message) => {
    await expect(latchkey(args)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(message),
    })
  })

  it('fails for an account that has never signed in', async () => {
    const file = temporaryFile()
    await buildApp(emulator(), { store: sqlite(file) })
    const args = ['grant-role', 'bitbucket', '{unknown}', 'admin', '--store', file]
    await expect(latchkey(args)).rejects.toMatchObject({
      stderr: expect.stringContaining('The user must sign in once.'),
    })
  })

  it('prints its help', async () => {
    expect(await latchkey(['--help'])).toContain('Usage:\n  latchkey grant-role')
  })
})
