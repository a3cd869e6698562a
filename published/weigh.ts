import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** What is in a `node_modules` that npm has made. */
export interface Weight {
  readonly packages: number
  readonly bytes: number
}

/** @param folder Of the project, with `node_modules` in it. */
export function weigh(folder: string): Weight {
  const lock = JSON.parse(readFileSync(join(folder, 'node_modules/.package-lock.json'), 'utf8'))
  const files = readdirSync(join(folder, 'node_modules'), { recursive: true, withFileTypes: true })
  const sizes = files
    .filter((entry) => entry.isFile())
    .map((entry) => statSync(join(entry.parentPath, entry.name)).size)
  return {
    packages: Object.keys(lock.packages).length,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
  }
}
