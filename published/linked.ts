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
 * Creates a project that contains our packages as packed. All other packages are links to the ones that are
 * installed in the repository, so installing takes no time.
 * @param also Which other dependencies of `packages/fastify` to link.
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
