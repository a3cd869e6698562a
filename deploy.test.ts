import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request as requestOf } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { postgres } from './packages/fastify/src/store/postgres.ts'
import { buildApp, setUpEmulator } from './packages/fastify/src/testing/app.ts'
import { createBrowser } from './packages/fastify/src/testing/browser.ts'
import { ask, emptyDatabase, withRole } from './packages/fastify/src/testing/postgres.ts'
import { freePort } from './published/machine.ts'

type App = Awaited<ReturnType<typeof buildApp>>

// Runs those recipes from the guides that need a separate process, another port or PostgreSQL. guides.test.ts
// runs the others.

const root = import.meta.dirname
const run = promisify(execFile)
// Inside the demo, which has every package installed that the docs import.
const folder = join(root, 'apps/demo/.deploy')
const bin = (name: string): string => join(root, 'apps/demo/node_modules/.bin', name)
const emulator = setUpEmulator()

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Returns the only code block under a heading that contains these words. */
function block(guide: string, heading: string, words: string): string {
  const document = readFileSync(join(root, 'docs/guides', guide), 'utf8')
  const part =
    document.split(/^## (?:\d+\. )?/m).find((text) => text.startsWith(`${heading}\n`)) ?? ''
  const blocks = [...part.matchAll(/^```\w+\n(.*?)^```$/gms)].map(([, code = '']) => code)
  const [found, ...others] = blocks.filter((code) => code.includes(words))
  expect([heading, words, typeof found, others.length]).toEqual([heading, words, 'string', 0])
  return String(found)
}

function change(code: string, changes: Readonly<Record<string, string>>): string {
  return Object.entries(changes).reduce((text, [from, to]) => {
    expect(text).toContain(from)
    return text.replaceAll(from, to)
  }, code)
}

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
}

/** Starts a program in an empty folder, and waits until its output has matched `ready` the given number of times. */
async function start(program: string, args: string[], ready: RegExp, times = 1): Promise<string[]> {
  const cwd = mkdtempSync(join(tmpdir(), 'latchkey-deploy-'))
  const env = { ...process.env, NODE_ENV: 'development' }
  const child: ChildProcess = spawn(program, args, { cwd, env })
  const ended = once(child, 'close')
  onTestFinished(async () => {
    child.kill()
    await ended
    rmSync(cwd, { recursive: true, force: true })
  })
  let said = ''
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (data) => {
        said += String(data)
        const matches = said.match(ready) ?? []
        if (matches.length >= times) resolve(matches)
      })
    }
    child.once('close', () => reject(new Error(`${program} ended:\n${said}`)))
  })
}

/** Returns the part of `inject()` that a browser needs, with a new connection for each request. */
function injectAt(origin: string): App['inject'] {
  async function inject(asked: {
    method: string
    url: string
    headers: Record<string, string>
    payload?: unknown
  }): Promise<unknown> {
    const body = asked.payload === undefined ? undefined : JSON.stringify(asked.payload)
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    const { method, headers } = asked
    const request = requestOf(origin + asked.url, {
      method,
      headers: { ...type, ...headers },
      agent: false,
    })
    request.end(body)
    const [response] = await once(request, 'response')
    const answer = await text(response)
    const { statusCode } = response
    return {
      statusCode,
      headers: response.headers,
      body: answer,
      json: () => JSON.parse(answer),
    }
  }
  return inject as unknown as App['inject']
}

describe('docs/guides/deploy.md', () => {
  it('shares one emulator between the workers of a cluster', async () => {
    const port = await freePort()
    const code = block('deploy.md', 'Several workers', 'cluster.fork')
    const server = change(code, {
      'http://127.0.0.1:4020': emulator().url,
      '3000': String(port),
      '}, async ({ auth }) => auth.user)':
        '}, async ({ auth }) => ({ name: auth.user.name, worker: process.pid }))',
    })
    write({ 'cluster.ts': server })
    await start(process.execPath, [join(folder, 'cluster.ts')], /Server listening/g, 2)
    const origin = `http://localhost:${port}`
    const browser = createBrowser({ inject: injectAt(origin) }, origin)
    const workers = new Set<number>()
    for (let times = 0; times < 4; times++) {
      expect((await browser.signIn('ada')).headers.location).toBe('/')
      const me = (await browser.get('/api/me')).json()
      expect(me).toMatchObject({ name: 'Ada Test' })
      workers.add(me.worker)
    }
    expect(workers.size).toBe(2)
  })

  it('is loaded by @fastify/autoload under fastify-cli, which add their own options', async () => {
    const heading = '@fastify/autoload and fastify-cli'
    const plugin = block('deploy.md', heading, 'fastify-plugin')
    const app = `import AutoLoad from '@fastify/autoload'
      export const options = { skipOverride: true }
      export default async function (app, options) {
        app.register(AutoLoad, { dir: import.meta.dirname + '/plugins', options: { ...options } })
        app.register(AutoLoad, { dir: import.meta.dirname + '/routes', options: { ...options } })
      }`
    const route = `export default async function (app) {
        app.get('/', { onRequest: app.latchkey.guard() }, async ({ auth }) => auth.user)
      }`
    write({
      'package.json': '{ "type": "module" }',
      'cli/app.js': app,
      'cli/plugins/sign-in/latchkey.js': plugin,
      'cli/routes/api/me/index.js': route,
      'bare/app.js': app,
      'bare/plugins/latchkey.js': "export { default } from '@latchkey/fastify'\n",
      'bare/routes/root.js': 'export default async () => {}\n',
    })
    const port = await freePort()
    const args = (name: string): string[] => {
      const flags = `--options --log-level info --address localhost --port ${port}`
      return ['start', ...flags.split(' '), join(folder, name, 'app.js')]
    }
    await start(bin('fastify'), args('cli'), /Server listening/g)
    const origin = `http://localhost:${port}`
    const browser = createBrowser({ inject: injectAt(origin) }, origin)
    expect((await browser.get('/api/me')).statusCode).toBe(401)
    expect((await browser.signIn('ada')).headers.location).toBe('/')
    expect((await browser.get('/api/me')).json()).toMatchObject({ name: 'Ada Test' })

    const refused = start(bin('fastify'), args('bare'), /no such output/g)
    await expect(refused).rejects.toThrow(
      /no option `skipOverride`.* register Latchkey inside your own plugin/s,
    )
  })

  it('works behind Vite’s proxy without a redirect or a warning', async () => {
    const [port, pagePort] = [await freePort(), await freePort()]
    const config = block('deploy.md', "Vite's proxy", 'defineConfig')
    const changes = { '5173': String(pagePort), '3000': String(port) }
    write({ 'vite.config.ts': change(config, changes), 'index.html': '<h1>The page</h1>' })
    const origin = `http://localhost:${pagePort}`
    const lines: string[] = []
    const app = await buildApp(emulator(), { origin }, { write: (line) => void lines.push(line) })
    await app.listen({ port, host: 'localhost' })
    const { createServer: createVite } = await import(
      join(root, 'apps/demo/node_modules/vite/dist/node/index.js')
    )
    const vite = await createVite({ root: folder, configFile: join(folder, 'vite.config.ts') })
    onTestFinished(() => vite.close())
    await vite.listen()
    const browser = createBrowser({ inject: injectAt(origin) }, origin)
    expect((await browser.signIn('ada')).headers.location).toBe('/')
    expect((await browser.get('/auth/session')).json()).toMatchObject({
      user: { name: 'Ada Test' },
    })
    expect(lines.map((line) => JSON.parse(line)).filter(({ level }) => level >= 40)).toEqual([])
  })
})

describe('docs/guides/postgresql.md', () => {
  const heading = 'Share a database with your own tables'

  /** Runs `drizzle-kit push --force` with the guide's configuration. */
  async function push(name: string, url: string): Promise<string> {
    const { stdout } = await run(bin('drizzle-kit'), ['push', '--force'], {
      cwd: join(folder, name),
      env: { ...process.env, APP_DATABASE_URL: url },
    })
    return stdout
  }

  const tablesOf = async (url: string): Promise<unknown[]> =>
    (
      await ask(
        url,
        "select schemaname || '.' || tablename as name from pg_tables where tablename like 'latchkey%' order by 1",
      )
    ).map(({ name }) => name)

  it('lets Drizzle reference users from its own schema, and keeps every table', async () => {
    const admin = await emptyDatabase()
    const ownUrl = await withRole(admin, 'own-password')
    const appUrl = await withRole(admin, 'app-password')
    const [own, app] = [new URL(ownUrl).username, new URL(appUrl).username]
    const database = new URL(admin).pathname.slice(1)
    const named = (sql: string): string =>
      sql
        .replace(/^create role .*\n/m, '')
        .replace('in database app', `in database ${database}`)
        .replaceAll(/\bapp\b/g, app)
        .replaceAll(/\blatchkey\b/g, own)
    await ask(admin, `grant create on schema public to ${app}`)
    await ask(admin, named(block('postgresql.md', 'Set up PostgreSQL', 'create schema')))
    await ask(admin, named(block('postgresql.md', heading, 'alter default privileges')))

    const server = await buildApp(emulator(), { store: postgres(ownUrl) })
    const before = await tablesOf(admin)
    expect(before.length).toBeGreaterThan(4)
    const schema = block('postgresql.md', heading, '// schema.ts')
    write({
      'drizzle/schema.ts': change(schema, { "pgSchema('latchkey')": `pgSchema('${own}')` }),
      'drizzle/drizzle.config.ts': block('postgresql.md', heading, '// drizzle.config.ts'),
    })
    expect(await push('drizzle', appUrl)).toContain('Changes applied')
    expect(await push('drizzle', appUrl)).toContain('No changes detected')
    expect(await tablesOf(admin)).toEqual(before)

    const { id } = await server.latchkey.users.create({ name: 'Ada Test' })
    await ask(appUrl, "insert into projects values ('a', $1)", [id])
    await expect(ask(appUrl, "insert into projects values ('b', 'nobody')")).rejects.toThrow()
    await expect(ask(appUrl, `select * from ${own}.latchkey_users`)).rejects.toThrow(/permission/)
    await expect(ask(appUrl, `drop table ${own}.latchkey_users`)).rejects.toThrow(/owner/)
    await server.latchkey.users.delete(id)
    expect(await ask(appUrl, 'select * from projects')).toEqual([])

    // The statement for tables that already exist.
    await ask(admin, named(block('postgresql.md', heading, 'grant references (id)')))
  })

  it('keeps every table in the application’s schema if Drizzle uses the filter', async () => {
    const url = await emptyDatabase()
    await buildApp(emulator(), { store: postgres(url) })
    const before = await tablesOf(url)
    const filter = /^\| Drizzle Kit .*\| `(tablesFilter: .*?)`/m.exec(
      readFileSync(join(root, 'docs/guides/postgresql.md'), 'utf8'),
    )?.[1]
    const config = block('postgresql.md', heading, '// drizzle.config.ts')
    write({
      'same/schema.ts': `import { pgTable, text } from 'drizzle-orm/pg-core'
        export const notes = pgTable('notes', { id: text('id').primaryKey() })`,
      'same/drizzle.config.ts': change(config, { "schemaFilter: ['public']": String(filter) }),
    })
    await push('same', url)
    expect(await tablesOf(url)).toEqual(before)
    expect(await ask(url, 'select * from notes')).toEqual([])
  })
})
