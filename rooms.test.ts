import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

const root = import.meta.dirname

/** What the linter, set up as it is here, says of files at these paths. */
function lint(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-rooms-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  copyFileSync(join(root, 'biome.json'), join(folder, 'biome.json'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  const biome = join(root, 'node_modules/.bin/biome')
  const { status, stdout, stderr } = spawnSync(
    biome,
    ['lint', '--vcs-enabled=false', '--error-on-warnings'],
    { cwd: folder, encoding: 'utf8' },
  )
  return status === 0 ? '' : stdout + stderr
}

const src = 'packages/fastify/src'
const emulator = 'packages/bitbucket-emulator/src'

it('files that depend on rooms below theirs are fine', () => {
  const said = lint({
    [`${src}/sign-in/one.ts`]:
      "import { two } from '../sessions/two.ts'\n\nexport const one: number = two\n",
    [`${src}/sessions/two.ts`]:
      "import { three } from '../http/three.ts'\n\nexport const two: number = three\n",
    [`${src}/http/three.ts`]: 'export const three = 3\n',
  })
  expect(said).toBe('')
})

it.each([
  ['a cycle', "import { one } from './one.ts'\n\nexport const two = (): number => one()\n"],
  [
    'a cycle of types',
    "import type { One } from './one.ts'\n\nexport type Two = One | 2\nexport const two = (): Two => 2\n",
  ],
])('%s is rejected', (_what, two) => {
  const said = lint({
    [`${src}/http/one.ts`]:
      "import { two } from './two.ts'\n\nexport type One = 1\nexport const one = (): number => two()\n",
    [`${src}/http/two.ts`]: two,
  })
  expect(said).toContain('noImportCycles')
})

it.each([
  ['sessions', 'sign-in'],
  ['providers', 'guard'],
  ['store', 'sessions'],
  ['http', 'providers'],
  ['guard', 'administration'],
])('an import from %s up to %s is rejected, of a type too', (from, to) => {
  const said = lint({
    [`${src}/${from}/one.ts`]: `import type { Two } from '../${to}/two.ts'\n\nexport const one: Two = 2\n`,
    [`${src}/${to}/two.ts`]: 'export type Two = 2\n',
  })
  expect(said).toContain('noRestrictedImports')
})

it('an import from a folder in a room up to another room is rejected', () => {
  const said = lint({
    [`${src}/store/tables/one.ts`]:
      "import { two } from '../../sessions/two.ts'\n\nexport const one: number = two\n",
    [`${src}/sessions/two.ts`]: 'export const two = 2\n',
  })
  expect(said).toContain('noRestrictedImports')
})

it.each([
  ['oauth', 'server'],
  ['oauth', 'api'],
  ['api', 'oauth'],
  ['state', 'oauth'],
  ['seed', 'state'],
  ['pages', 'seed'],
  ['rules', 'seed'],
  ['http', 'pages'],
])('in the emulator, an import from %s to %s is rejected, of a type too', (from, to) => {
  const said = lint({
    [`${emulator}/${from}/one.ts`]: `import type { Two } from '../${to}/two.ts'\n\nexport const one: Two = 2\n`,
    [`${emulator}/${to}/two.ts`]: 'export type Two = 2\n',
  })
  expect(said).toContain('noRestrictedImports')
})

it('in the emulator, files that depend on rooms below theirs are fine', () => {
  const said = lint({
    [`${emulator}/oauth/one.ts`]:
      "import { two } from '../state/two.ts'\n\nexport const one: number = two\n",
    [`${emulator}/state/two.ts`]:
      "import { three } from '../seed/three.ts'\n\nexport const two: number = three\n",
    [`${emulator}/seed/three.ts`]: 'export const three = 3\n',
  })
  expect(said).toBe('')
})

it('an import of the options from a room is rejected', () => {
  const said = lint({
    [`${src}/guard/one.ts`]:
      "import { two } from '../options.ts'\n\nexport const one: number = two\n",
    [`${src}/options.ts`]: 'export const two = 2\n',
  })
  expect(said).toContain('noRestrictedImports')
})

it('a function of more than 60 lines is rejected, one of 60 is not', () => {
  const ofLines = (count: number): string =>
    `export function long(): void {\n${'  console.log(1)\n'.repeat(count)}}\n`
  expect(lint({ [`${src}/sign-in/long.ts`]: ofLines(60) })).toBe('')
  expect(lint({ [`${src}/sign-in/long.ts`]: ofLines(61) })).toContain('noExcessiveLinesPerFunction')
  expect(lint({ [`${src}/sign-in/long.test.ts`]: ofLines(61) })).toBe('')
})
