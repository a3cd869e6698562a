import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..')

declare module 'vitest' {
  interface ProvidedContext {
    /** A folder with `<package>.tgz`, and beside it `<package>/`, what is in it. */
    tarballs: string
  }
}

/** Builds and packs every package as publishing would, once for all tests of this folder. */
export default async function pack(project: TestProject): Promise<() => Promise<void>> {
  console.log('Packing the packages …')
  const tarballs = await mkdtemp(join(tmpdir(), 'latchkey-tarballs-'))
  for (const name of await readdir(join(root, 'packages'))) {
    const tarball = join(tarballs, `${name}.tgz`)
    await run('npx', ['--yes', 'pnpm@12', 'pack', '--out', tarball], {
      cwd: join(root, 'packages', name),
    })
    await mkdir(join(tarballs, name))
    await run('tar', ['-xzf', tarball, '-C', join(tarballs, name), '--strip-components=1'])
  }
  project.provide('tarballs', tarballs)
  return () => rm(tarballs, { recursive: true })
}
