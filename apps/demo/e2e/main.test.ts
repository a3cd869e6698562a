import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { ask, emptyDatabase } from '../../../packages/fastify/src/testing/postgres.ts'
import { connectToBrowser } from './browser.ts'
import { freePort, listenForProblems } from './demo.ts'

const DEMO = join(import.meta.dirname, '..')
const MAIN = join(DEMO, 'src/main.ts')
const folder = mkdtempSync(join(tmpdir(), 'latchkey-demo-'))
const started: ChildProcess[] = []

function start(env: Record<string, string>, ...flags: string[]): ChildProcess & { said: string } {
  const { NODE_ENV: _test, DATABASE_URL: _theirs, ...rest } = process.env
  const child = spawn(process.execPath, [MAIN, ...flags], { cwd: folder, env: { ...rest, ...env } })
  started.push(child)
  const demo = Object.assign(child, { said: '' })
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (data) => {
      demo.said += String(data)
    })
  }
  return demo
}

async function until(demo: { said: string } & ChildProcess, words: RegExp): Promise<string> {
  while (!words.test(demo.said)) {
    await Promise.race([
      once(demo.stdout ?? demo, 'data'),
      once(demo, 'exit').then(() => {
        if (!words.test(demo.said)) throw new Error(`the demo ended: ${demo.said}`)
      }),
    ])
  }
  return demo.said
}

afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null) continue
    child.kill()
    await once(child, 'exit')
  }
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('pnpm demo', () => {
  it('prints one URL without credentials, from which two clicks sign in', async () => {
    const [port, emulatorPort] = [await freePort(), await freePort()]
    const demo = start({ PORT: String(port), EMULATOR_PORT: String(emulatorPort) })
    const said = await until(demo, /ready/)
    expect(said.match(/https?:\/\/\S+/g)).toEqual([`http://localhost:${port}`])

    const browser = await connectToBrowser()
    const context = await browser.newContext()
    const problems = await listenForProblems(context)
    const page = await context.newPage()
    const answer = await page.goto(`http://localhost:${port}`)
    // The policy is as strict as for the built pages, although Vite writes scripts and styles into the page.
    expect(answer?.headers()['content-security-policy']).not.toContain('unsafe')
    await page.getByRole('link', { name: 'Continue with Bitbucket' }).click()
    await page.waitForURL(`http://127.0.0.1:${emulatorPort}/**`)
    await page.getByRole('button', { name: 'Ada Test' }).click()
    await page.waitForURL(`http://localhost:${port}/decisions`)
    await page.getByText('Signed by Ada Test').waitFor()
    expect(problems).toEqual([])

    // Stop it as Ctrl-C would, with the page still open.
    demo.kill('SIGINT')
    const [code] = await once(demo, 'exit')
    expect(code).toBe(0)
    await browser.close()
  })

  it('redirects to the real Bitbucket with credentials, and prints the callback URL to register', async () => {
    const port = await freePort()
    const demo = start({
      PORT: String(port),
      BITBUCKET_CLIENT_ID: 'an-id',
      BITBUCKET_CLIENT_SECRET: 'a-secret',
    })
    const said = await until(demo, /ready/)
    expect(said).toContain(
      `Register this callback URL with Bitbucket: http://localhost:${port}/auth/bitbucket/callback`,
    )
    expect(said).not.toContain('a-secret')
    const answer = await fetch(`http://localhost:${port}/auth/bitbucket/start`, {
      redirect: 'manual',
    })
    expect(answer.headers.get('location')).toMatch(
      /^https:\/\/bitbucket\.org\/site\/oauth2\/authorize\?response_type=code&client_id=an-id&/,
    )
  })

  it('stores users in the database, so that they stay signed in across restarts', async () => {
    const [port, emulatorPort] = [String(await freePort()), String(await freePort())]
    const DATABASE_URL = await emptyDatabase()
    const env = { PORT: port, EMULATOR_PORT: emulatorPort, DATABASE_URL }
    const demo = start(env)
    expect(await until(demo, /ready/)).toContain('stores its users in the database at DATABASE_URL')
    const browser = await connectToBrowser()
    const page = await browser.newPage()
    await page.goto(`http://localhost:${port}`)
    await page.getByRole('link', { name: 'Continue with Bitbucket' }).click()
    await page.getByRole('button', { name: 'Ada Test' }).click()
    await page.getByText('Signed by Ada Test').waitFor()
    const users = await ask(DATABASE_URL, 'select name from latchkey_users')
    expect(users).toEqual([{ name: 'Ada Test' }])

    demo.kill('SIGINT')
    await once(demo, 'exit')
    await until(start(env), /ready/)
    await page.reload()
    await page.getByText('Signed by Ada Test').waitFor()
    await browser.close()
  })

  it('exits with an error, without the password, if the database is unavailable', async () => {
    const [PORT, EMULATOR_PORT, nowhere] = await Promise.all([freePort(), freePort(), freePort()])
    const DATABASE_URL = `postgres://demo:the-password@127.0.0.1:${nowhere}/demo`
    const demo = start({ PORT: String(PORT), EMULATOR_PORT: String(EMULATOR_PORT), DATABASE_URL })
    const [code] = await once(demo, 'exit')
    expect(code).toBe(1)
    expect(demo.said).toContain('did not start. postgres(): the database cannot be used')
    expect(demo.said).toContain('Check that the server is running')
    expect(demo.said).not.toContain('the-password')
  })

  it('serves neither its key nor its server code while it compiles pages', async () => {
    const [PORT, EMULATOR_PORT] = [String(await freePort()), String(await freePort())]
    // Pretend that the demo was started in this folder.
    const inside = mkdtempSync(join(DEMO, 'site/test-'))
    try {
      mkdirSync(join(inside, '.latchkey'))
      for (const name of ['secret', '.env.secret', 'demo-emulator.db']) {
        writeFileSync(join(inside, '.latchkey', name), 'not for others')
      }
      await until(start({ PORT, EMULATOR_PORT }), /ready/)
      const files = [
        ...['secret', '.env.secret', 'demo-emulator.db'].map((name) =>
          join(inside, '.latchkey', name),
        ),
        ...['src/main.ts', 'package.json', 'e2e/demo.ts', '../../pnpm-lock.yaml'].map((path) =>
          join(DEMO, path),
        ),
      ]
      for (const file of files) {
        const urls = [`/@fs${file}`]
        if (file.startsWith(DEMO)) urls.push(file.slice(DEMO.length))
        for (const url of urls.flatMap((url) => [url, `${url}?raw`, `${url}?import&raw`])) {
          const answer = await fetch(`http://localhost:${PORT}${url}`)
          expect(`${answer.status} ${url}`).toBe(`403 ${url}`)
        }
      }
      const nowhere = await fetch(`http://localhost:${PORT}/nowhere`)
      expect(nowhere.status).toBe(404)
      expect(await nowhere.text()).toContain('Page not found.')
    } finally {
      rmSync(inside, { recursive: true })
    }
  })

  it('names every port in use, and a command that works', async () => {
    const blockers = [createServer(), createServer()]
    for (const blocker of blockers) await once(blocker.listen(0, '127.0.0.1'), 'listening')
    const [PORT, EMULATOR_PORT] = blockers.map((blocker) => {
      return String((blocker.address() as AddressInfo).port)
    }) as [string, string]
    const both = await until(start({ PORT, EMULATOR_PORT }), /pnpm@12 demo/)
    expect(both).toContain(`Ports ${PORT} and ${EMULATOR_PORT} are already in use. Try: PORT=`)
    const [, port, emulatorPort] = /PORT=(\d+) EMULATOR_PORT=(\d+) npx/.exec(both) ?? []
    expect([PORT, EMULATOR_PORT]).not.toContain(port)
    expect([PORT, EMULATOR_PORT]).not.toContain(emulatorPort)
    await until(start({ PORT: String(port), EMULATOR_PORT: String(emulatorPort) }), /is ready/)
    for (const blocker of blockers) blocker.close()
  })

  it('keeps a port that is free if the other port is in use', async () => {
    const blocker = createServer().listen(0, '127.0.0.1')
    await once(blocker, 'listening')
    const { port } = blocker.address() as AddressInfo
    const EMULATOR_PORT = String(await freePort())
    const said = await until(start({ PORT: String(port), EMULATOR_PORT }), /pnpm@12 demo/)
    expect(said).toContain(`Port ${port} is already in use. Try: PORT=`)
    expect(said).toContain(` EMULATOR_PORT=${EMULATOR_PORT} npx`)
    blocker.close()
  })

  it('never suggests the same port twice', async () => {
    const port = String(await freePort())
    const said = await until(start({ PORT: port, EMULATOR_PORT: port }, '--built'), /pnpm@12 demo/)
    const [, app, emulator] = /PORT=(\d+) EMULATOR_PORT=(\d+) npx/.exec(said) ?? []
    expect(app).toBe(port)
    expect(emulator).not.toBe(port)
    expect(said).toContain('npx pnpm@12 demo --built')
  })

  it('treats an empty variable as if it were unset', async () => {
    const [PORT, EMULATOR_PORT] = [String(await freePort()), String(await freePort())]
    const empty = { BITBUCKET_CLIENT_ID: '', BITBUCKET_CLIENT_SECRET: '', NODE_ENV: '' }
    const said = await until(start({ PORT, EMULATOR_PORT, ...empty }), /ready/)
    expect(said).not.toContain('with Bitbucket')
  })

  it.each([
    [{ PORT: 'eighty' }, [], 'PORT must be a port from 1 to 65535.'],
    [{ BITBUCKET_CLIENT_ID: 'an-id' }, [], 'BITBUCKET_CLIENT_SECRET is missing. Set both'],
    [{ BITBUCKET_CLIENT_SECRET: 'x' }, [], 'BITBUCKET_CLIENT_ID is missing. Set both'],
    [{}, ['--bulit'], 'Its only flags are --built and --providers. Remove the other'],
    [{ NODE_ENV: 'production' }, [], 'It is for development only. Unset NODE_ENV'],
  ])('explains what is wrong with %o %o', async (env, flags, sentence) => {
    const demo = start(env as Record<string, string>, ...flags)
    expect(await until(demo, /did not start/)).toContain(sentence)
  })
})
