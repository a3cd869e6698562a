import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

/** Returns the installed version of a package. */
export function versionOf(name: string): string {
  return JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version
}

/** Returns the versions of all packages that take part in the benchmarks. */
export function allVersions(): Record<string, string> {
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  )
  const names = Object.keys({ ...dependencies, ...devDependencies }).filter(
    (name) => !/^@(latchkey|types)\//.test(name),
  )
  return Object.fromEntries(names.map((name) => [name, versionOf(name)]))
}
