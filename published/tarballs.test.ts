import { globSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { describe, expect, inject, it } from 'vitest'
import { parseAst } from 'vitest/node'

const packages = ['bitbucket-emulator', 'contract', 'fastify', 'provider-emulator', 'react']

/** The scripts of packages that are bundled into a few files. */
const bundles: Readonly<Record<string, readonly string[]>> = {
  fastify: [
    'bin',
    'index',
    'postgres',
    'sqlite',
    'testing',
    'chunks/errors',
    'chunks/node-version',
    'chunks/option-names',
    'chunks/read-profile',
    'chunks/roles',
    'chunks/sql-store',
    'chunks/store',
  ].map((file) => `dist/${file}.js`),
}

interface Manifest {
  readonly exports: Readonly<Record<string, { readonly types: string }>>
}

function unpacked(name: string): string {
  return join(inject('tarballs'), name)
}

function files(name: string): string[] {
  return readdirSync(unpacked(name), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(unpacked(name), join(entry.parentPath, entry.name)))
    .sort()
}

function read(name: string, file: string): string {
  return readFileSync(join(unpacked(name), file), 'utf8')
}

it('there is one tarball for each package', () => {
  expect(globSync('*.tgz', { cwd: inject('tarballs') }).sort()).toEqual(
    packages.map((name) => `${name}.tgz`),
  )
})

describe.each(packages)('the tarball of %s', (name) => {
  it('contains the compiled files and the documents, and nothing else', () => {
    const source = join(import.meta.dirname, '../packages', name)
    const compiled = globSync('src/**/*.{ts,tsx,css}', { cwd: source })
      .filter((file) => !/\.test\.|^src\/testing\//.test(file))
      .map((file) => file.replace(/^src/, 'dist'))
      .flatMap((file) => {
        if (/\.css$|\.d\.\w*\.?ts$/.test(file)) return file
        const endings = name in bundles ? ['.d.ts'] : ['.js', '.d.ts']
        return endings.map((ending) => file.replace(/\.tsx?$/, ending))
      })
      .concat(bundles[name] ?? [])
    const beside = [
      'LICENSE',
      'README.md',
      'package.json',
      ...globSync('CHANGELOG.md', { cwd: source }),
    ]
    expect(files(name)).toEqual([...compiled, ...beside].sort())
  })

  it('does not refer to missing files, a workspace or a registry', () => {
    for (const file of files(name)) {
      expect(read(name, file)).not.toMatch(
        /sourceMappingURL|["']workspace:|registry\.|["'`(]\.\.?\/src\//,
      )
    }
    for (const [, target] of read(name, 'README.md').matchAll(/\]\((?!https:|#)([^)]+)\)/g)) {
      expect(files(name)).toContain(target)
    }
  })

  it('has a licence, and an example in its README', () => {
    const licence = readFileSync(join(import.meta.dirname, '../LICENSE'), 'utf8')
    expect(read(name, 'LICENSE')).toBe(licence)
    expect(JSON.parse(read(name, 'package.json'))).toMatchObject({ license: 'MIT' })
    expect(read(name, 'README.md')).toMatch(/^```tsx?$/m)
  })

  it('passes publint', async () => {
    const { buffer: tarball } = new Uint8Array(readFileSync(`${unpacked(name)}.tgz`))
    const { messages } = await publint({ pack: { tarball }, strict: true })
    expect(messages).toEqual([])
  })

  it('has types that are found by every way of importing it', async () => {
    const tarball = new Uint8Array(readFileSync(`${unpacked(name)}.tgz`))
    const result = await checkPackage(createPackageFromTarballData(tarball))
    // The packages are ECMAScript modules only, so problems with `require` and TypeScript's old resolution do
    // not count.
    const problems = (result.types ? result.problems : [{ kind: 'no types' }]).filter(
      (problem) =>
        !('resolutionKind' in problem && /node10|node16-cjs/.test(`${problem.resolutionKind}`)),
    )
    expect(problems).toEqual([])
  })
})

it('the packages export exactly the names in public-names.txt', async () => {
  const names = packages.flatMap((name) => {
    const { exports }: Manifest = JSON.parse(read(name, 'package.json'))
    return Object.entries(exports).map(([subpath, { types }]) => {
      const from = `@latchkey/${join(name, subpath)}`
      return [from, ...publicNames(read(name, types))].join('\n  ')
    })
  })
  await expect(`${names.join('\n\n')}\n`).toMatchFileSnapshot('public-names.txt')
})

/** Returns the names that a declaration file exports. Types are marked as such. */
function publicNames(declarations: string): string[] {
  const names: string[] = []
  for (const statement of parseAst(declarations, { lang: 'dts' }).body) {
    if (statement.type === 'ImportDeclaration') continue
    if (statement.type !== 'ExportNamedDeclaration')
      throw new Error(`Cannot read names from ${statement.type}.`)
    const { declaration, specifiers, exportKind } = statement
    for (const specifier of specifiers) {
      const isType = exportKind === 'type' || specifier.exportKind === 'type'
      if (specifier.exported.type !== 'Identifier')
        throw new Error('An exported name is in quotes.')
      names.push(`${isType ? 'type ' : ''}${specifier.exported.name}`)
    }
    if (declaration === null) continue
    const isType = /^TS(Interface|TypeAlias)Declaration$/.test(declaration.type)
    const declared =
      declaration.type === 'VariableDeclaration' ? declaration.declarations : [declaration]
    for (const one of declared) {
      if (!('id' in one) || one.id?.type !== 'Identifier') {
        throw new Error(`Cannot read names from ${declaration.type}.`)
      }
      names.push(`${isType ? 'type ' : ''}${one.id.name}`)
    }
  }
  return names.sort()
}
