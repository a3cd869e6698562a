import { execFile } from 'node:child_process'
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'

const root = join(import.meta.dirname, '..')
const run = promisify(execFile)

it('a change to one package gives all packages the same new version, and adds the change to its changelog', async () => {
  const copy = mkdtempSync(join(tmpdir(), 'latchkey-release-'))
  onTestFinished(() => rmSync(copy, { recursive: true }))
  const manifests = globSync(['package.json', '{apps,packages}/*/package.json'], { cwd: root })
  // Include the changes that are waiting for a release, to check that changesets can read them.
  const changes = globSync('.changeset/*', { cwd: root })
  for (const file of [...manifests, ...changes, 'pnpm-workspace.yaml']) {
    cpSync(join(root, file), join(copy, file), { recursive: true })
  }
  const change = `---\n'@latchkey/contract': minor\n---\n\nA sentence for users.\n`
  writeFileSync(join(copy, '.changeset/a-change.md'), change)

  const read = (file: string): string => readFileSync(join(copy, file), 'utf8')
  const packages = globSync('packages/*', { cwd: copy })
  const before = JSON.parse(read('packages/contract/package.json')).version
  await run(join(root, 'node_modules/.bin/changeset'), ['version'], { cwd: copy })
  const { version } = JSON.parse(read('packages/contract/package.json'))
  expect(version).not.toBe(before)
  expect(packages).toHaveLength(5)
  for (const name of packages) {
    expect(JSON.parse(read(`${name}/package.json`)).version).toBe(version)
    expect(read(`${name}/CHANGELOG.md`)).toContain(`## ${version}\n`)
  }
  expect(read('packages/contract/CHANGELOG.md')).toContain('A sentence for users.')
  expect(read('packages/fastify/package.json')).toContain('"workspace:^"')
})
