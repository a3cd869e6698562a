import { generateKeyPairSync } from 'node:crypto'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { certificate } from './apps/demo/e2e/certificate.ts'
import { buildApp, SECRET, setUpEmulator } from './packages/fastify/src/testing/app.ts'
import { type Browser, createBrowser } from './packages/fastify/src/testing/browser.ts'

// Runs the samples in the README, the package READMEs and the guides exactly as they are printed.

const root = import.meta.dirname
// Inside the demo, which has every package installed that the docs import.
const folder = join(root, 'apps/demo/.docs-run')
const documents = globSync(
  ['README.md', 'packages/*/README.md', 'docs/{guides,providers,react}/*.md'],
  {
    cwd: root,
  },
).sort()
type App = Awaited<ReturnType<typeof buildApp>>

const originalFolder = process.cwd()
const emulator = setUpEmulator()

interface Sample {
  /** The document, the section, and the number within it. */
  readonly name: string
  readonly section: string
  readonly language: string
  readonly code: string
  /** The reason why the sample cannot run, taken from the note below it. */
  readonly note: string | undefined
}

/** The sections whose samples another file runs. That file contains the names of the document and the section. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'docs/guides/long-lived.md › WebSockets with @fastify/websocket': 'guides.test.ts',
  'docs/guides/long-lived.md › WebSockets without a guard': 'guides.test.ts',
  'docs/guides/long-lived.md › A proxy with @fastify/http-proxy': 'guides.test.ts',
  'docs/guides/long-lived.md › Server-sent events': 'guides.test.ts',
  'docs/guides/long-lived.md › Streamed downloads': 'guides.test.ts',
  'docs/guides/long-lived.md › Requests to another server': 'guides.test.ts',
  'docs/guides/long-lived.md › Your own registry of connections': 'guides.test.ts',
  'docs/guides/deploy.md › A proxy that strips a path prefix': 'guides.test.ts',
  'docs/guides/deploy.md › Helmet': 'guides.test.ts',
  'docs/guides/deploy.md › CORS': 'guides.test.ts',
  'docs/guides/deploy.md › OpenAPI documents': 'guides.test.ts',
  "docs/guides/deploy.md › Vite's proxy": 'deploy.test.ts',
  'docs/guides/deploy.md › Several workers': 'deploy.test.ts',
  'docs/guides/deploy.md › @fastify/autoload and fastify-cli': 'deploy.test.ts',
  'docs/guides/postgresql.md › Share a database with your own tables': 'deploy.test.ts',
}

const ENVIRONMENT = {
  BITBUCKET_CLIENT_ID: 'a-client-id',
  BITBUCKET_CLIENT_SECRET: 'a-client-secret',
  LATCHKEY_SECRET: SECRET,
  ORIGIN: 'http://localhost:5173',
  DATABASE_URL: 'postgres://latchkey@127.0.0.1:1/app',
  DATABASE_DIRECT_URL: 'postgres://latchkey@127.0.0.1:1/app',
}

/** Apple's key, of the kind that it offers for download. */
const APPLE_PRIVATE_KEY = String(
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  }),
)

const NOTE = /^_Our tests compile this sample but do not run it, because ([^_]+)\._$/

/** Returns the samples that run on a server. The kit's tests render the others. */
function samplesOf(document: string): Sample[] {
  const text = readFileSync(join(root, document), 'utf8')
  const counts = new Map<string, number>()
  let heading = ''
  return [
    ...text.matchAll(/^##? (?:\d+\. )?([^\n]*)$|^```(tsx?)(?: alone)?\n(.*?)^```$/gms),
  ].flatMap(({ 0: whole, 1: title, 2: language = '', 3: code = '', index }) => {
    if (title !== undefined) heading = title
    if (title !== undefined || !isServer(document, language, code)) return []
    const section = `${document} › ${heading}`
    const number = (counts.get(section) ?? 0) + 1
    counts.set(section, number)
    const [following = ''] = text
      .slice(index + whole.length)
      .trimStart()
      .split('\n\n', 1)
    const note = NOTE.exec(following)?.[1]
    return [{ name: `${section} ${number}`, section, language, code, note }]
  })
}

function isServer(document: string, language: string, code: string): boolean {
  if (code.includes("from 'fastify'")) return true
  return language === 'ts' && !document.startsWith('docs/react/')
}

const samples = documents.flatMap(samplesOf)
const running = samples.filter(({ section, note }) => !(section in ELSEWHERE) && note === undefined)

const rejections: unknown[] = []
const keep = (reason: unknown): void => void rejections.push(reason)
let vitestListeners: NodeJS.UnhandledRejectionListener[] = []
/** The errors that the current sample's server has logged. */
const loggedErrors: string[] = []
let files = 0

beforeAll(() => {
  // Normally, an unhandled rejection ends the Node process. Here, it makes the sample's test fail instead.
  vitestListeners = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', keep)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(join(folder, 'dist'), { recursive: true })
  writeFileSync(join(folder, 'dist/index.html'), '<h1>The built page</h1>')
})

afterEach(() => {
  vi.unstubAllEnvs()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

afterAll(() => {
  process.off('unhandledRejection', keep)
  for (const listener of vitestListeners) process.on('unhandledRejection', listener)
  rmSync(folder, { recursive: true, force: true })
})

interface Running {
  readonly app: App
  readonly browser: Browser
}

/** Imports a sample with an empty folder as the current directory, and starts its server on a free port. */
async function start({
  code,
  language,
}: Pick<Sample, 'code' | 'language'>): Promise<Running | null> {
  const current = mkdtempSync(join(tmpdir(), 'latchkey-docs-'))
  process.chdir(current)
  onTestFinished(() => {
    process.chdir(originalFolder)
    rmSync(current, { recursive: true, force: true })
  })
  writeFileSync('tls.key', certificate.key)
  writeFileSync('tls.crt', certificate.cert)
  const isProduction = code.includes('LATCHKEY_SECRET') && code.includes("origin: 'https:")
  vi.stubEnv('NODE_ENV', isProduction ? 'production' : 'test')
  for (const [, name = ''] of code.matchAll(/process\.env\.([A-Z_]+_(?:CLIENT|TEAM|KEY)_\w+)/g))
    vi.stubEnv(name, 'a-value')
  for (const [name, value] of Object.entries({ ...ENVIRONMENT, APPLE_PRIVATE_KEY }))
    vi.stubEnv(name, value)

  vi.stubGlobal('docsLog', { write: (line: string) => void loggedErrors.push(line) })
  vi.spyOn(console, 'log').mockReturnValue()
  vi.spyOn(console, 'assert').mockImplementation((holds) => expect(holds).toBe(true))
  const logger = "logger: { level: 'error', stream: Object(globalThis).docsLog }"
  const quiet = code
    .replace('logger: true', logger)
    .replace('astify()', `astify({ ${logger} })`)
    .replace(/^await app\.listen\(.*\)\n/m, '')
  const isApp = /^const app = /m.test(code)
  const file = join(folder, `sample-${++files}.${language}`)
  writeFileSync(file, isApp ? `${quiet}\nexport { app }\n` : quiet)
  const { app, default: config }: { app?: App; default?: unknown } = await import(
    /* @vite-ignore */ file
  )
  if (code.includes('defineConfig')) expect(config).toMatchObject({ server: { proxy: {} } })
  await settle()
  if (app === undefined || code.includes('app.close()')) return null

  onTestFinished(async () => {
    await app.close()
    await settle()
    expect(loggedErrors.splice(0)).toEqual([])
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const scheme = code.includes('https: {') ? 'https' : 'http'
  const configured = /origin: '([^']+)'/.exec(code)?.[1]
  const environment = code.includes('process.env.ORIGIN') ? ENVIRONMENT.ORIGIN : undefined
  const origin = configured ?? environment ?? `${scheme}://localhost:${port}`
  return { app, browser: createBrowser(app, origin) }
}

/** Fails if there was an unhandled rejection. */
async function settle(): Promise<void> {
  // Node reports a rejection after the microtasks of the current turn.
  await setImmediate()
  await setImmediate()
  const [first, ...others] = rejections.splice(0)
  if (first === undefined) return
  throw new Error(`${1 + others.length} unhandled rejections would end the process: ${first}`)
}

/** Requests each route while signed out and signed in, and signs in with the emulator where possible. */
async function use({ app, browser }: Running, code: string): Promise<void> {
  const paths = [...code.matchAll(/\bapp\.get(?:<[^(]*>)?\(\s*'([^']+)'/g)].map(
    ([, path = '']) => path,
  )
  const ask = async (): Promise<void> => {
    for (const path of paths) {
      const { statusCode } = await browser.get(path)
      expect([path, statusCode < 500]).toEqual([path, true])
    }
    await settle()
  }
  await ask()
  if (!app.hasDecorator('latchkey')) return

  const { statusCode } = await browser.get('/auth/session')
  expect(statusCode).toBe(200)
  // Other providers than Bitbucket have no emulator.
  const isBitbucket = !code.includes('providers:') || code.includes('bitbucket(')
  const consent = isBitbucket ? await browser.start() : ''
  if (consent.startsWith('http://127.0.0.1:')) {
    // The first sign-in creates a user, the second one does not.
    for (let times = 0; times < 2; times++) {
      expect((await browser.signIn('ada')).headers.location).toBe('/')
      await ask()
    }
    return
  }
  const { id } = await app.latchkey.users.create({ name: 'Ada Test' })
  const { cookie } = await app.latchkey.sessions.create(id)
  for (const path of paths) {
    const response = await app.inject({ url: path, headers: { cookie } })
    expect([path, response.statusCode]).toEqual([path, 200])
  }
}

it('finds every sample, and each section that another file runs is named in that file', () => {
  expect(samples.length).toBeGreaterThan(40)
  for (const [section, file] of Object.entries(ELSEWHERE)) {
    const [document = '', heading = ''] = section.split(' › ')
    const text = readFileSync(join(root, file), 'utf8')
    const names = [document.slice('docs/guides/'.length), heading]
    expect([section, names.every((name) => text.includes(name))]).toEqual([section, true])
    expect([section, samples.some((sample) => sample.section === section)]).toEqual([section, true])
  }
  const compiled = samples.filter(({ note }) => note !== undefined)
  expect(compiled.map(({ section }) => section)).toEqual([
    'docs/guides/postgresql.md › Set up PostgreSQL',
  ])
})

it.each(running)('runs $name', async (sample) => {
  if (sample.name.startsWith('packages/contract/')) await serveRelativeUrls()
  const server = await start(sample)
  if (server !== null) await use(server, sample.code)
})

/** The contract package's sample runs in a page, where `fetch` resolves paths. */
async function serveRelativeUrls(): Promise<void> {
  const app = await buildApp(emulator())
  vi.stubGlobal('fetch', async (path: string) => new Response((await app.inject(path)).body))
}

describe('a sample with a mistake', () => {
  const sample = (listener: string): Pick<Sample, 'code' | 'language'> => ({
    language: 'ts',
    code: `import latchkey from '@latchkey/fastify'
      import Fastify from 'fastify'

const app = Fastify({ logger: true })
await app.register(latchkey)
app.latchkey.on('sign-in', ${listener})
`,
  })

  it('fails if a sign-in listener does not await a promise that rejects, which would end the process', async () => {
    const planted = sample('() => void handOver()')
    const code = `${planted.code}async function handOver() { throw new Error('planted') }\n`
    const server = await start({ ...planted, code })
    await expect(use(server as Running, code)).rejects.toThrow(
      /unhandled rejections would end the process: Error: planted/,
    )
  })

  it('fails if a sign-in listener rejects, which is logged', async () => {
    const { code, language } = sample("async () => { throw new Error('planted') }")
    const server = (await start({ code, language })) as Running
    await use(server, code)
    expect(loggedErrors.splice(0).join()).toContain('planted')
  })
})
