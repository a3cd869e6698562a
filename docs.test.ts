import { execFile } from 'node:child_process'
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, it } from 'vitest'

const root = import.meta.dirname
// Beside the demo, which has every package installed that the docs import.
const folder = join(root, 'apps/demo/.docs')
const tests = join(root, 'packages/fastify/src')

afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('every block of code in the docs compiles', async () => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  const documents = globSync(['*.md', 'docs/**/*.md', 'packages/*/*.md'], { cwd: root })
  let blocks = 0
  for (const document of documents.filter((name) => !name.endsWith('CHANGELOG.md'))) {
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

it('every test and file that docs/security.md names is there', () => {
  const text = readFileSync(join(root, 'docs/security.md'), 'utf8')
  const table = text.split('## Requirement by requirement')[1] ?? ''
  const cells = [...table.matchAll(/^\|.*\| *([^|]*?) *\|$/gm)].map(([, cell = '']) => cell)
  const names = cells.flatMap((cell) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  )
  expect(names.length).toBeGreaterThan(50)
  const missing = names.filter(
    (name) => !existsSync(join(root, name)) && !existsSync(join(tests, `${name}.test.ts`)),
  )
  expect(missing).toEqual([])
})
