import { execFile } from 'node:child_process'
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, it, onTestFinished } from 'vitest'
import { headingsOf } from './docs/pages.ts'
import { readReference } from './docs/props.ts'
import { buildApp } from './packages/fastify/src/testing/app.ts'

const root = import.meta.dirname
// Inside the demo, which has every package installed that the docs import.
const folder = join(root, 'apps/demo/.docs')
const source = join(root, 'packages/fastify/src')
const documents = globSync(['*.md', 'docs/**/*.md', 'packages/*/*.md'], { cwd: root }).filter(
  (name) => !name.endsWith('CHANGELOG.md'),
)
const security = readFileSync(join(root, 'docs/security.md'), 'utf8')

afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('every code block in the docs compiles', async () => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  let blocks = 0
  for (const document of documents) {
    const text = readFileSync(join(root, document), 'utf8')
    for (const [, language, code] of text.matchAll(/^```(tsx?)\n(.*?)^```$/gms)) {
      const name = `${document.replaceAll(/\W/g, '-')}-${++blocks}.${language}`
      writeFileSync(join(folder, name), code ?? '')
    }
  }
  expect(blocks).toBeGreaterThan(8)
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: '../tsconfig.json',
      compilerOptions: { noUnusedLocals: false },
      include: ['*.ts', '*.tsx'],
    }),
  )
  const tsc = join(root, 'node_modules/.bin/tsc')
  const result = await promisify(execFile)(tsc, ['-p', folder]).catch((error) => error)
  expect(result.stdout).toBe('')
})

it.each(
  documents.flatMap((document) => {
    const text = readFileSync(join(root, document), 'utf8')
    return [...text.matchAll(/^```ts alone\n(.*?)^```$/gms)].map(([, code = '']) => [
      document,
      code,
    ])
  }),
)(
  'a code block in %s that declares something for the whole program compiles on its own',
  async (_, code) => {
    const alone = `${folder}-alone`
    onTestFinished(() => rmSync(alone, { recursive: true }))
    mkdirSync(alone)
    writeFileSync(join(alone, 'block.ts'), code)
    const include = ['*.ts']
    writeFileSync(
      join(alone, 'tsconfig.json'),
      JSON.stringify({ extends: '../tsconfig.json', include }),
    )
    const tsc = join(root, 'node_modules/.bin/tsc')
    const result = await promisify(execFile)(tsc, ['-p', alone]).catch((error) => error)
    expect(result.stdout).toBe('')
  },
)

it('every link between or within documents has an existing target', () => {
  const anchorsOf = (file: string): string[] =>
    headingsOf(readFileSync(file, 'utf8')).map(({ anchor }) => anchor)
  const dead = documents.flatMap((document) => {
    const text = readFileSync(join(root, document), 'utf8')
    const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
    return links.flatMap(([link, path = '', anchor]) => {
      const file = path === '' ? join(root, document) : join(root, document, '..', path)
      const leads = existsSync(file) && (anchor === undefined || anchorsOf(file).includes(anchor))
      return leads ? [] : `${document}: ${link}`
    })
  })
  expect(dead).toEqual([])
})

it('the tables in docs/react match the types of @latchkey/react', () => {
  const outdated = readReference()
    .pages.filter(({ text, written }) => text !== written)
    .map(({ file }) => `${file}: npx pnpm@12 props`)
  expect(outdated).toEqual([])
})

it('every export of @latchkey/react has a heading in docs/react, and each page is in the list there', () => {
  const { names, pages } = readReference()
  const headings = pages
    .flatMap(({ text }) => text.match(/^#+ .*$|^.*`\w+Mark`.*$/gm) ?? [])
    .join('\n')
  expect(names.length).toBeGreaterThan(20)
  expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(headings))).toEqual([])

  const list = readFileSync(join(root, 'docs/react/README.md'), 'utf8')
  const unlisted = pages
    .map(({ file }) => basename(file))
    .filter((name) => !list.includes(`](${name})`))
  expect(unlisted).toEqual(['README.md'])
})

it('every test and file that docs/security.md names exists', () => {
  const tables = [
    '### Open connections and responses',
    '## OAuth, NIST and OWASP ASVS requirements',
  ].map((heading) => security.split(`${heading}\n`)[1]?.split(/^#/m)[0] ?? '')
  const cells = tables.flatMap((table) =>
    [...table.matchAll(/^\|.*\| *([^|]*?) *\|$/gm)].map(([, cell = '']) => cell),
  )
  const names = cells.flatMap((cell) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  )
  expect(names.length).toBeGreaterThan(50)
  const missing = names.filter(
    (name) => !existsSync(join(root, name)) && !existsSync(join(source, `${name}.test.ts`)),
  )
  expect(missing).toEqual([])
})

it('the lifetime of a session and the number of sessions per user match docs/security.md', async () => {
  const numbersOf = (what: string): number[] => {
    const row = security.split('\n').find((line) => line.startsWith(`| ${what} `))
    return [...(row ?? '').matchAll(/\d+/g)].map(Number)
  }
  const [lifetime = 0, idleTimeout = 0] = numbersOf('session lifetime').map(
    (days) => days * 86_400_000,
  )
  const [most = 0] = numbersOf('sessions per user')

  let now = 1_800_000_000_000
  const app = await buildApp({ url: 'http://127.0.0.1:4020' }, { clock: () => now })
  const { id } = await app.latchkey.users.create()
  const { sessions } = app.latchkey
  const { session, cookie: used } = await sessions.create(id)
  const { cookie: unused } = await sessions.create(id)
  expect(session.expiresAt - now).toBe(lifetime)
  const statusFor = async (cookie: string): Promise<number> =>
    (await app.inject({ url: '/api/me', headers: { cookie } })).statusCode
  now += idleTimeout - 1
  expect(await statusFor(used)).toBe(200)
  now += 1
  expect(await statusFor(unused)).toBe(401)
  expect(await statusFor(used)).toBe(200)

  for (let count = 0; count <= most; count++) await sessions.create(id)
  expect((await sessions.list(id, { limit: 1000 })).sessions).toHaveLength(most)
})

it('every line that is logged outside of development is in docs/security.md', () => {
  const files = globSync('**/*.ts', { cwd: source }).filter(
    (name) => !/^(attacks|faults|fuzz|testing)\/|\.test\.ts$|^development\.ts$/.test(name),
  )
  const lines = files.flatMap((name) => {
    const whole = readFileSync(join(source, name), 'utf8')
    const text = whole.replaceAll(/^ *\*.*$/gm, '')
    const calls = [...text.matchAll(/\blog(?:\.\w+|\[level\])\((.*?)\)\n/gs)]
    return calls.flatMap(([, given = '']) => {
      const [, referenced] = /withReference\(\s*'([^']+)',\s*[\w']+,?\s*\),?\s*$/.exec(given) ?? []
      const [, plain] = /'([^']+)',?\s*$/.exec(given) ?? []
      return referenced ?? plain ?? []
    })
  })
  expect(lines.length).toBeGreaterThan(15)
  expect(lines.filter((line) => !security.includes(`\`${line}\``))).toEqual([])
})

it('every proxy in the docs passes the Host header on', () => {
  const texts = documents.map((name) => readFileSync(join(root, name), 'utf8')).join('\n')
  const nginx = [...texts.matchAll(/^```nginx\n(.*?)^```$/gms)].map(([, code = '']) => code)
  const locations = nginx.flatMap((code) => code.match(/^ *location [^{]*\{[^}]*\}/gm) ?? [])
  const proxied = locations.filter((location) => location.includes('proxy_pass'))
  expect(proxied.length).toBeGreaterThan(5)
  expect(proxied.filter((one) => !one.includes('proxy_set_header Host $http_host;'))).toEqual([])
  const vite = [...texts.matchAll(/^ *'\/(?:auth|api)\/': .*$/gm)].map(([line]) => line)
  expect(vite.length).toBeGreaterThan(5)
  expect(vite.filter((line) => !line.includes('changeOrigin: false'))).toEqual([])
})
