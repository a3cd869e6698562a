import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** The size of a `node_modules` folder that npm has created. */
export interface Weight {
  readonly packages: number
  readonly bytes: number
}

/** @param folder The project's folder, which contains `node_modules`. */
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
