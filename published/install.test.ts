import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium } from '../apps/demo/e2e/chromium.ts'
import { freePort, type Machine, newest, setUpMachine } from './machine.ts'
import type { Project } from './project.ts'
import { createVisitor, signIn } from './visitor.ts'
import { type Weight, weigh } from './weigh.ts'

const root = join(import.meta.dirname, '..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const { engines } = JSON.parse(readFileSync(join(root, 'packages/fastify/package.json'), 'utf8'))
const lowest = `${/\d+\.\d+/.exec(engines.node)}.0`

describe.each([
  { node: lowest, npm: '10', typescript: '5', react: '18' },
  { ...newest, typescript: '7', react: '19' },
])('on Node $node with npm $npm and React $react', ({ node, npm, typescript, react }) => {
  let machine: Machine
  beforeAll(async () => {
    machine = await setUpMachine(node, npm)
  })
  afterAll(() => machine?.remove())

  it('runs the emulator with nothing installed', async () => {
    const project = await machine.createProject('nothing')
    const { code, said } = await project.run('npx --yes @latchkey/bitbucket-emulator --help')
    expect(said).toContain('Usage: bitbucket-emulator [flags]')
    expect(code).toBe(0)
  })

  describe('a project that follows the README', () => {
    let project: Project
    const warnings: string[] = []
    beforeAll(async () => {
      project = await machine.createProject('product')
      const types = `typescript@${typescript} @types/node @types/react@${react} @types/react-dom@${react}`
      const commands = [
        ...block('npm install fastify').split('\n'),
        change(block('npm install react'), 'react ', `react@${react} `).replace(
          'react-dom',
          `react-dom@${react}`,
        ),
        `npm install --save-dev vite@8 @vitejs/plugin-react@6 ${types}`,
      ]
      for (const command of commands) warnings.push(...(await project.install(command)))
    })

    it('installs without warnings', () => {
      expect(warnings).toEqual([])
    })

    it('says in one sentence that an older Node is too old', async () => {
      // Only change the version number, because another Node would be another download.
      await project.write({
        'old-node.js':
          "Object.defineProperty(process.versions, 'node', { value: '20.19.0' })\nawait import(process.argv[2])\n",
      })
      for (const name of ['fastify', 'fastify/sqlite', 'fastify/postgres', 'bitbucket-emulator']) {
        const { code, said } = await project.run(`node old-node.js @latchkey/${name}`)
        expect(said).toMatch(
          /Error: @latchkey\/[\w-]+ requires Node 22\.16 or newer\. This is Node 20\.19\.0\./,
        )
        expect(code).toBe(1)
      }
    })

    it('can sign in on its server, which starts the emulator', async () => {
      await project.write({ 'server.js': change(block('app.listen'), '3000', '0') })
      const [origin] = await project.start('node server.js', /http:\/\/localhost:\d+/)
      const visitor = createVisitor()
      expect((await visitor.visit(`${origin}/api/me`)).status).toBe(401)
      await signIn(visitor, `${origin}`)
      const answer = await visitor.visit(`${origin}/api/me`)
      expect(await answer.json()).toMatchObject({ name: 'Ada Test', email: 'ada@example.com' })
    })

    it('can sign in on a page served by Vite, with a separate server and emulator', async () => {
      const [port, pagePort] = [await freePort(), await freePort()]
      const origin = `http://localhost:${pagePort}`
      await project.write({
        'own-server.js': OWN_SERVER,
        'vite.config.js': change(block('defineConfig'), 'localhost:3000', `localhost:${port}`),
        'index.html': '<div id="root"></div><script type="module" src="/main.jsx"></script>',
        'main.jsx': MAIN,
        'app.tsx': block('export function App'),
      })
      const [, emulatorUrl] = await project.start(
        'bitbucket-emulator --port 0',
        /Bitbucket emulator: (\S+)/,
      )
      await project.start('node own-server.js', /Server listening/, {
        PORT: `${port}`,
        ORIGIN: origin,
        EMULATOR_URL: emulatorUrl,
      })
      await project.start(`vite --port ${pagePort} --strictPort`, /ready in/)
      const browser = await launchChromium()
      try {
        const page = await browser.newPage()
        await page.goto(origin)
        await page.getByRole('link', { name: 'Continue with Bitbucket' }).click()
        await page.waitForURL(`${emulatorUrl}/**`)
        await page.getByRole('button', { name: 'Ada Test' }).click()
        await page.waitForURL(`${origin}/`)
        await page.getByText('Hello, Ada Test.').waitFor()
        await page.getByRole('button', { name: 'Sign out' }).click()
        await page.getByRole('link', { name: 'Continue with Bitbucket' }).waitFor()
      } finally {
        await browser.close()
      }
    })

    it('compiles as TypeScript, including the declarations of its packages', async () => {
      await project.write({
        'server.ts': block('app.listen'),
        'production.ts': block('LATCHKEY_SECRET'),
        'tsconfig.json': JSON.stringify({
          compilerOptions: {
            target: 'es2022',
            lib: ['es2024', 'dom', 'dom.iterable'],
            module: 'esnext',
            moduleResolution: 'bundler',
            jsx: 'react-jsx',
            types: ['node'],
            strict: true,
            noUncheckedSideEffectImports: true,
            skipLibCheck: false,
            noEmit: true,
          },
          include: ['*.ts', '*.tsx'],
        }),
      })
      expect(await project.run('tsc -p .')).toEqual({ code: 0, said: '' })
    })

    it('is built by Vite, including the styles', async () => {
      const { code, said } = await project.run('vite build')
      expect(said).toContain('built in')
      expect(code).toBe(0)
      const [styles = ''] = globSync('dist/assets/*.css', { cwd: project.folder })
      expect(readFileSync(join(project.folder, styles), 'utf8')).toContain('--latchkey-accent')
    })
  })

  describe('a production install', () => {
    let project: Project
    let alone: Weight
    beforeAll(async () => {
      project = await machine.createProject('production')
      const devDependencies = {
        '@latchkey/bitbucket-emulator': '*',
        '@latchkey/provider-emulator': '*',
      }
      await project.write({ 'package.json': JSON.stringify({ type: 'module', devDependencies }) })
      await project.install('npm install fastify', PRODUCTION)
      alone = weigh(project.folder)
      await project.install('npm install @latchkey/fastify', PRODUCTION)
      await project.write({
        'development.js': change(block('app.listen'), '3000', '0'),
        'server.js': `${block('LATCHKEY_SECRET')}\nawait app.listen({ port: 0 })\n`,
      })
    })

    it('does not contain the emulators, although a development install does', () => {
      const lock = readFileSync(join(project.folder, 'package-lock.json'), 'utf8')
      expect(lock).toContain('node_modules/@latchkey/bitbucket-emulator')
      expect(lock).toContain('node_modules/@latchkey/provider-emulator')
      expect(globSync('node_modules/**/*-emulator*', { cwd: project.folder })).toEqual([])
    })

    it('adds at most 30 packages and 8 MB to Fastify', () => {
      const { packages, bytes } = weigh(project.folder)
      const added = { packages: packages - alone.packages, bytes: bytes - alone.bytes }
      console.log(`@latchkey/fastify adds ${added.packages} packages, ${added.bytes} bytes.`)
      expect(added.packages).toBeGreaterThan(1)
      expect(added.packages).toBeLessThanOrEqual(30)
      expect(added.bytes).toBeLessThanOrEqual(8_000_000)
    })

    it('starts with the required options, and sends people to the real Bitbucket', async () => {
      const [url] = await project.start('node server.js', /http:\/\/127\.0\.0\.1:\d+/, COMPLETE)
      const start = await fetch(`${url}/auth/bitbucket/start`, { redirect: 'manual' })
      expect(start.headers.get('location')).toMatch(/^https:\/\/bitbucket\.org\/site\/oauth2\//)
      expect(start.headers.get('location')).toContain('client_id=an-id')
      expect(start.headers.getSetCookie()[0]).toMatch(/^__Host-latchkey-flow-.*; Secure/)
    })

    it.each([
      ['LATCHKEY_SECRET', /Option `secret` is missing.* openssl rand -base64 48/],
      ['BITBUCKET_CLIENT_ID', /`clientId` is missing\. Set BITBUCKET_CLIENT_ID/],
      ['BITBUCKET_CLIENT_SECRET', /`clientSecret` is missing\. Set .*BITBUCKET_CLIENT_SECRET/],
    ])('does not start without %s, and says what to do', async (variable, words) => {
      const { code, said } = await project.run('node server.js', { ...COMPLETE, [variable]: '' })
      expect(code).toBe(1)
      expect(said).toMatch(words)
    })

    it.each([
      ['production', {}, /Option `origin` is missing/],
      ['production', { EMULATOR_PORT: '4020', ORIGIN: 'http://localhost' }, /`origin` is missing/],
      ['development', {}, /npm i -D @latchkey\/bitbucket-emulator/],
      ['', {}, /npm i -D @latchkey\/bitbucket-emulator/],
    ])(
      'refuses to start with development defaults with NODE_ENV=%s and %j',
      async (name, env, words) => {
        const { code, said } = await project.run('node development.js', { ...env, NODE_ENV: name })
        expect(code).toBe(1)
        expect(said).toMatch(words)
      },
    )
  })
})

const PRODUCTION = { NODE_ENV: 'production' }

const COMPLETE = {
  ...PRODUCTION,
  LATCHKEY_SECRET: 'kX2v9QwLr7TzB4mN8sYcJ1hGfD6pEaUo',
  BITBUCKET_CLIENT_ID: 'an-id',
  BITBUCKET_CLIENT_SECRET: 'a-client-secret',
}

/** A server for a page that Vite serves, with an emulator that was started separately. */
const OWN_SERVER = `import latchkey, { bitbucket } from '@latchkey/fastify'
import Fastify from 'fastify'

const { EMULATOR_URL, ORIGIN, PORT } = process.env
const app = Fastify({ logger: true })
await app.register(latchkey, {
  origin: ORIGIN,
  providers: [bitbucket({ emulatorUrl: EMULATOR_URL })],
})
await app.listen({ port: Number(PORT) })
`

const MAIN = `import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'

createRoot(document.getElementById('root')).render(<App />)
`

/** Returns the only code block in the README that contains these words. */
function block(words: string): string {
  const blocks = [...readme.matchAll(/^```\w+\n(.*?)\n```$/gms)].map(([, code = '']) => code)
  const [found, another] = blocks.filter((code) => code.includes(words))
  if (found === undefined || another !== undefined)
    throw new Error(`The README must have exactly one code block that contains: ${words}`)
  return found
}

function change(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`${from} is missing in:\n${text}`)
  return text.replaceAll(from, to)
}
