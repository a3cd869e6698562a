import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { inject } from 'vitest'

const root = join(import.meta.dirname, '..')

/** A project outside of the repository. */
export interface LinkedProject {
  readonly folder: string
  write(files: Readonly<Record<string, string>>): Promise<void>
  remove(): Promise<void>
}

/**
 * Makes a project that has our packages as they are packed, and links to what the repository has installed
 * for the rest: an installation that takes no time.
 * @param also What else it has, of the dependencies of `packages/fastify`.
 */
export async function linkProject(also: readonly string[] = []): Promise<LinkedProject> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'latchkey-linked-')))
  const names = new Set(['fastify', ...also])
  for (const name of ['contract', 'fastify']) {
    const packed = join(inject('tarballs'), name)
    await cp(packed, join(folder, 'node_modules/@latchkey', name), { recursive: true })
    const { dependencies = {} } = JSON.parse(await readFile(join(packed, 'package.json'), 'utf8'))
    for (const dependency of Object.keys(dependencies)) names.add(dependency)
  }
  for (const name of names) {
    if (name.startsWith('@latchkey/')) continue
    const link = join(folder, 'node_modules', name)
    await mkdir(dirname(link), { recursive: true })
    await symlink(await realpath(join(root, 'packages/fastify/node_modules', name)), link)
  }
  return {
    folder,
    async write(files) {
      for (const [file, content] of Object.entries(files)) {
        await mkdir(dirname(join(folder, file)), { recursive: true })
        await writeFile(join(folder, file), content)
      }
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
