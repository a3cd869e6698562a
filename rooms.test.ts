import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'

const root = import.meta.dirname
const src = 'packages/fastify/src'
const emulator = 'packages/bitbucket-emulator/src'
const kit = 'packages/react/src'

/** File contents by file name. */
type Files = Readonly<Record<string, string>>

// The linter takes longer to start than to read all cases, so it reads them in one run. Each case uses its
// own file names.
const planted: Record<string, string> = {}
let rulesBroken: ReadonlyMap<string, readonly string[]>
beforeAll(() => {
  rulesBroken = lint(planted)
})

/** Adds a case that breaks `rule`, or no rule if it is `null`. */
function plant(what: string, rule: string | null, files: Files): void {
  for (const [name, text] of Object.entries(files)) {
    if (name in planted) throw new Error(`Two cases contain the file ${name}.`)
    planted[name] = text
  }
  it(what, () => {
    const broken = Object.keys(files).flatMap((name) => rulesBroken.get(name) ?? [])
    expect([...new Set(broken)]).toEqual(rule === null ? [] : [rule])
  })
}

/** Returns the rules that each file breaks, according to the linter as configured in this repository. */
function lint(files: Files): Map<string, string[]> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'latchkey-rooms-')))
  try {
    copyFileSync(join(root, 'biome.json'), join(folder, 'biome.json'))
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), text)
    }
    const biome = join(root, 'node_modules/.bin/biome')
    const options = ['--vcs-enabled=false', '--max-diagnostics=none', '--reporter=github']
    const { stdout } = spawnSync(biome, ['lint', ...options], { cwd: folder, encoding: 'utf8' })
    const broken = new Map<string, string[]>()
    for (const [, rule = '', file = ''] of stdout.matchAll(
      /title=lint\/\w+\/(\w+),file=([^,]+)/g,
    )) {
      const name = relative(folder, file)
      broken.set(name, [...(broken.get(name) ?? []), rule])
    }
    return broken
  } finally {
    rmSync(folder, { recursive: true })
  }
}

let count = 0

/** Adds a type-only import from one folder of `base` to another. */
function plantTypeImport(what: string, base: string, from: string, to: string): void {
  count += 1
  plant(what, 'noRestrictedImports', {
    [`${base}/${from}/from-${count}.ts`]: `import type { Two } from '../${to}/to-${count}.ts'\n\nexport const one: Two = 2\n`,
    [`${base}/${to}/to-${count}.ts`]: 'export type Two = 2\n',
  })
}

/** Adds a file in each of three folders, each importing from the next. */
function plantDescent(
  what: string,
  base: string,
  [one, two, three]: [string, string, string],
): void {
  plant(what, null, {
    [`${base}/${one}/first.ts`]: `import { two } from '../${two}/second.ts'\n\nexport const one: number = two\n`,
    [`${base}/${two}/second.ts`]: `import { three } from '../${three}/third.ts'\n\nexport const two: number = three\n`,
    [`${base}/${three}/third.ts`]: 'export const three = 3\n',
  })
}

describe('an import cycle is rejected', () => {
  plant('of values', 'noImportCycles', {
    [`${src}/http/value-one.ts`]:
      "import { two } from './value-two.ts'\n\nexport const one = (): number => two()\n",
    [`${src}/http/value-two.ts`]:
      "import { one } from './value-one.ts'\n\nexport const two = (): number => one()\n",
  })
  plant('of a value and a type', 'noImportCycles', {
    [`${src}/http/type-one.ts`]:
      "import { two } from './type-two.ts'\n\nexport type One = 1\nexport const one = (): number => two()\n",
    [`${src}/http/type-two.ts`]:
      "import type { One } from './type-one.ts'\n\nexport type Two = One | 2\nexport const two = (): Two => 2\n",
  })
})

describe('in the plugin', () => {
  plantDescent('imports from rooms below are fine', src, ['sign-in', 'sessions', 'http'])
  for (const [from, to] of [
    ['sessions', 'sign-in'],
    ['providers', 'guard'],
    ['store', 'sessions'],
    ['http', 'providers'],
    ['guard', 'administration'],
  ] as const) {
    plantTypeImport(`an import from ${from} up to ${to} is rejected, even of a type`, src, from, to)
  }
  plant(
    'an import from a folder inside a room up to another room is rejected',
    'noRestrictedImports',
    {
      [`${src}/store/tables/deep.ts`]:
        "import { two } from '../../sessions/of-deep.ts'\n\nexport const one: number = two\n",
      [`${src}/sessions/of-deep.ts`]: 'export const two = 2\n',
    },
  )
  plant('an import of the options in a room is rejected', 'noRestrictedImports', {
    [`${src}/guard/of-options.ts`]:
      "import { two } from '../options.ts'\n\nexport const one: number = two\n",
    [`${src}/options.ts`]: 'export const two = 2\n',
  })
})

describe('in the emulator', () => {
  plantDescent('imports from rooms below are fine', emulator, ['oauth', 'state', 'seed'])
  for (const [from, to] of [
    ['oauth', 'server'],
    ['oauth', 'api'],
    ['api', 'oauth'],
    ['state', 'oauth'],
    ['seed', 'state'],
    ['pages', 'seed'],
    ['rules', 'seed'],
    ['http', 'pages'],
  ] as const) {
    plantTypeImport(
      `an import from ${from} to ${to} is rejected, even of a type`,
      emulator,
      from,
      to,
    )
  }
})

describe('in the kit', () => {
  plantDescent('imports from rooms below are fine', kit, ['account', 'session', 'requests'])
  for (const [from, to] of [
    ['guards', 'account'],
    ['sign-in', 'guards'],
    ['sign-out', 'sign-in'],
    ['looks', 'sign-out'],
    ['session', 'looks'],
    ['locales', 'session'],
    ['requests', 'locales'],
    ['browser', 'requests'],
    ['account', 'testing'],
  ] as const) {
    plantTypeImport(`an import from ${from} up to ${to} is rejected, even of a type`, kit, from, to)
  }
  plant('an import of the index in a room is rejected', 'noRestrictedImports', {
    [`${kit}/looks/of-index.ts`]:
      "import { two } from '../index.ts'\n\nexport const one: number = two\n",
    [`${kit}/index.ts`]: 'export const two = 2\n',
  })
})

describe('between packages', () => {
  plant('imports from packages below are fine', null, {
    'packages/react/src/fine.ts':
      "import { paths } from '@latchkey/contract'\n\nexport const one: unknown = paths\n",
    'packages/fastify/src/fine.ts':
      "import { paths } from '@latchkey/contract'\n\nexport const one: unknown = paths\n",
    'packages/fastify/src/fine-too.ts':
      "import { emulator } from '@latchkey/bitbucket-emulator'\n\nexport const two: unknown = emulator\n",
    'packages/contract/src/fine.ts':
      "import { two } from './fine-too.ts'\n\nexport const one: number = two\n",
    'packages/contract/src/fine-too.ts': 'export const two = 2\n',
    'packages/contract/src/fine.test.ts':
      "import { test } from 'vitest'\n\nexport const one: unknown = test\n",
  })
  for (const [folder, extension, specifier] of [
    ['packages/react/src', 'ts', '@latchkey/fastify'],
    ['packages/react/src', 'ts', '@latchkey/fastify/postgres'],
    ['packages/react/src', 'ts', '../../fastify/src/http/site.ts'],
    ['packages/react/src/account', 'ts', '@latchkey/fastify'],
    ['packages/react/src/browser', 'ts', '@latchkey/bitbucket-emulator'],
    ['packages/react/src', 'test.tsx', '@latchkey/bitbucket-emulator'],
    ['packages/fastify/src', 'ts', '@latchkey/react'],
    ['packages/fastify/src/http', 'ts', '@latchkey/react/locales/de'],
    ['packages/fastify/src/sign-in', 'ts', '../../../react/src/locales/de.ts'],
    ['packages/contract/src', 'ts', '@latchkey/react'],
    ['packages/contract/src', 'ts', 'node:crypto'],
    ['packages/contract/src', 'ts', '../../react/src/index.ts'],
    ['packages/bitbucket-emulator/src', 'ts', '@latchkey/contract'],
    ['packages/bitbucket-emulator/src', 'ts', '@latchkey/fastify'],
    ['packages/bitbucket-emulator/src', 'test.ts', '../../contract/src/index.ts'],
    ['packages/bitbucket-emulator/src/oauth', 'ts', '@latchkey/provider-emulator'],
    ['packages/provider-emulator/src', 'ts', '@latchkey/fastify'],
    ['packages/react/src/browser', 'ts', '@latchkey/provider-emulator'],
  ] as const) {
    count += 1
    plant(
      `an import of ${specifier} from a *.${extension} in ${folder} is rejected, even of a type`,
      'noRestrictedImports',
      {
        [`${folder}/across-${count}.${extension}`]: `import type { Two } from '${specifier}'\n\nexport type One = Two\n`,
      },
    )
  }
})

describe('a function', () => {
  const ofLines = (lines: number): string =>
    `export function long(): void {\n${'  console.log(1)\n'.repeat(lines)}}\n`
  plant('of 60 lines is fine', null, { [`${src}/sign-in/sixty.ts`]: ofLines(60) })
  plant('of more than 60 lines is rejected', 'noExcessiveLinesPerFunction', {
    [`${src}/sign-in/more.ts`]: ofLines(61),
  })
  plant('of more than 60 lines is fine in a test', null, {
    [`${src}/sign-in/more.test.ts`]: ofLines(61),
  })
})
