import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import webpack from 'webpack'
import {
  type BitbucketEmulator,
  startBitbucketEmulator,
} from '../packages/bitbucket-emulator/src/index.ts'
import { type LinkedProject, linkProject } from './linked.ts'
import { createVisitor, signIn } from './visitor.ts'

const SERVER = `
import latchkey, { bitbucket } from '@latchkey/fastify'
import { sqlite } from '@latchkey/fastify/sqlite'
import Fastify from 'fastify'

async function main() {
  const { EMULATOR_URL } = process.env
  const app = Fastify({ logger: true })
  await app.register(latchkey, {
    secret: 'kX2v9QwLr7TzB4mN8sYcJ1hGfD6pEaUo',
    providers: EMULATOR_URL && [bitbucket({ emulatorUrl: EMULATOR_URL })],
    store: sqlite('./latchkey.db'),
  })
  app.get('/api/me', { onRequest: app.latchkey.guard() }, async (request) => request.auth.user)
  await app.listen({ port: 0 })
}

main().catch(({ code, message }) => {
  console.log(code, message)
  process.exit(1)
})
`

let project: LinkedProject
let emulator: BitbucketEmulator

beforeAll(async () => {
  emulator = await startBitbucketEmulator()
  project = await linkProject()
  await project.write({ 'server.js': SERVER, 'package.json': '{ "type": "module" }' })
})

afterAll(async () => {
  await project?.remove()
  await emulator?.close()
})

interface Program {
  readonly said: () => string
  readonly ended: Promise<unknown>
  until(ready: RegExp): Promise<string>
}

/** Runs a bundle in its folder until the test is over. */
function start(file: string, env: NodeJS.ProcessEnv): Program {
  const { PATH } = process.env
  const child = spawn(process.execPath, [file], {
    cwd: dirname(file),
    env: { PATH, NODE_ENV: 'development', DEBUG: '*', ...env },
  })
  const ended = once(child, 'close')
  onTestFinished(async () => {
    child.kill()
    await ended
  })
  let said = ''
  const heard: (() => void)[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      said += String(data)
      for (const hear of heard) hear()
    })
  }
  return {
    said: () => said,
    ended,
    until: (ready) =>
      new Promise((resolve, reject) => {
        const hear = (): void => {
          const [match] = ready.exec(said) ?? []
          if (match !== undefined) resolve(match)
        }
        heard.push(hear)
        hear()
        child.once('close', () => reject(new Error(`${file} ended:\n${said}`)))
      }),
  }
}

type Bundle = (server: string, folder: string) => Promise<string>

const esbuild =
  (format: 'cjs' | 'esm'): Bundle =>
  async (server, folder) => {
    const outfile = join(folder, format === 'esm' ? 'server.mjs' : 'server.cjs')
    await build({
      entryPoints: [server],
      outfile,
      bundle: true,
      platform: 'node',
      format,
      logLevel: 'error',
      // The usual banner. It makes packages that call `require` work in an ES module.
      ...(format === 'esm' && {
        banner: {
          js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
        },
      }),
    })
    return outfile
  }

const bundlers: Readonly<Record<string, Bundle>> = {
  'esbuild, as an ES module': esbuild('esm'),
  'esbuild, as CommonJS': esbuild('cjs'),

  async ncc(server, folder) {
    const ncc = createRequire(import.meta.url)('@vercel/ncc')
    const { code, assets } = await ncc(server, { quiet: true, cache: false, esm: true })
    await writeFile(join(folder, 'server.mjs'), code)
    for (const [name, { source }] of Object.entries<{ source: string | Buffer }>(assets)) {
      await writeFile(join(folder, name), source)
    }
    return join(folder, 'server.mjs')
  },

  async webpack(server, folder) {
    const stats = await new Promise<webpack.Stats | undefined>((resolve, reject) => {
      webpack(
        {
          entry: server,
          context: dirname(server),
          target: 'node22',
          mode: 'production',
          optimization: { minimize: false, nodeEnv: false },
          output: { path: folder, filename: 'server.cjs' },
        },
        (error, result) => (error === null ? resolve(result) : reject(error)),
      )
    })
    expect(stats?.toJson({ all: false, errors: true }).errors).toEqual([])
    return join(folder, 'server.cjs')
  },
}

describe.each(Object.entries(bundlers))('a server bundled by %s', (_name, bundle) => {
  let folder: string
  let file: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'latchkey-bundle-'))
    file = await bundle(join(project.folder, 'server.js'), folder)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('signs people in from a folder that contains nothing else', async () => {
    const program = start(file, { EMULATOR_URL: emulator.url })
    const url = await program.until(/http:\/\/(localhost|127\.0\.0\.1):\d+(?=")/)
    const origin = url.replace('127.0.0.1', 'localhost')
    const agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
    const visitor = createVisitor({ 'user-agent': agent })
    await signIn(visitor, origin)
    const me = await visitor.visit(`${origin}/api/me`)
    expect(await me.json()).toMatchObject({ name: 'Ada Test' })
    const list = await visitor.visit(`${origin}/auth/sessions`)
    expect(await list.json()).toMatchObject({ sessions: [{ device: 'Firefox on Linux' }] })
    // `DEBUG=*` is set, and this package would print the client secret.
    expect(program.said()).not.toContain('simple-oauth2')
  })

  it('says how to install the missing emulator', async () => {
    const program = start(file, {})
    await program.ended
    expect(program.said()).toMatch(/^LATCHKEY_EMULATOR_MISSING .*npm i -D @latchkey/m)
  })
})
