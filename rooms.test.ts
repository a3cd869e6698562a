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
const kit = 'packages/react/src'

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

it('allows imports from rooms of the kit that are below', () => {
  const said = lint({
    [`${kit}/account/one.ts`]:
      "import { two } from '../session/two.ts'\n\nexport const one: number = two\n",
    [`${kit}/session/two.ts`]:
      "import { three } from '../requests/three.ts'\n\nexport const two: number = three\n",
    [`${kit}/requests/three.ts`]: 'export const three = 3\n',
  })
  expect(said).toBe('')
})

it.each([
  ['guards', 'account'],
  ['sign-in', 'guards'],
  ['sign-out', 'sign-in'],
  ['looks', 'sign-out'],
  ['session', 'looks'],
  ['locales', 'session'],
  ['requests', 'locales'],
  ['browser', 'requests'],
  ['account', 'testing'],
])('rejects an import from %s of the kit up to %s, even of a type', (from, to) => {
  const said = lint({
    [`${kit}/${from}/one.ts`]: `import type { Two } from '../${to}/two.ts'\n\nexport const one: Two = 2\n`,
    [`${kit}/${to}/two.ts`]: 'export type Two = 2\n',
  })
  expect(said).toContain('noRestrictedImports')
})

it('rejects an import of the index from a room of the kit', () => {
  const said = lint({
    [`${kit}/looks/one.ts`]:
      "import { two } from '../index.ts'\n\nexport const one: number = two\n",
    [`${kit}/index.ts`]: 'export const two = 2\n',
  })
  expect(said).toContain('noRestrictedImports')
})

it('allows packages to import the packages below', () => {
  const said = lint({
    'packages/react/src/one.ts':
      "import { paths } from '@latchkey/contract'\n\nexport const one: unknown = paths\n",
    'packages/fastify/src/one.ts':
      "import { paths } from '@latchkey/contract'\n\nexport const one: unknown = paths\n",
    'packages/fastify/src/two.ts':
      "import { emulator } from '@latchkey/bitbucket-emulator'\n\nexport const two: unknown = emulator\n",
    'packages/contract/src/one.ts':
      "import { two } from './two.ts'\n\nexport const one: number = two\n",
    'packages/contract/src/two.ts': 'export const two = 2\n',
    'packages/contract/src/one.test.ts':
      "import { test } from 'vitest'\n\nexport const one: unknown = test\n",
  })
  expect(said).toBe('')
})

it.each([
  ['packages/react/src/one.ts', '@latchkey/fastify'],
  ['packages/react/src/one.ts', '@latchkey/fastify/postgres'],
  ['packages/react/src/one.ts', '../../fastify/src/http/site.ts'],
  ['packages/react/src/account/one.ts', '@latchkey/fastify'],
  ['packages/react/src/browser/one.ts', '@latchkey/bitbucket-emulator'],
  ['packages/react/src/one.test.tsx', '@latchkey/bitbucket-emulator'],
  ['packages/fastify/src/one.ts', '@latchkey/react'],
  ['packages/fastify/src/http/one.ts', '@latchkey/react/locales/de'],
  ['packages/fastify/src/sign-in/one.ts', '../../../react/src/locales/de.ts'],
  ['packages/contract/src/one.ts', '@latchkey/react'],
  ['packages/contract/src/one.ts', 'node:crypto'],
  ['packages/contract/src/one.ts', '../../react/src/index.ts'],
  ['packages/bitbucket-emulator/src/one.ts', '@latchkey/contract'],
  ['packages/bitbucket-emulator/src/one.ts', '@latchkey/fastify'],
  ['packages/bitbucket-emulator/src/one.test.ts', '../../contract/src/index.ts'],
])('rejects an import from %s of %s, even of a type', (file, specifier) => {
  const said = lint({
    [file]: `import type { Two } from '${specifier}'\n\nexport type One = Two\n`,
  })
  expect(said).toContain('noRestrictedImports')
})
