import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Place } from './contenders/contender.ts'

/** The context of a measurement. */
export interface Run {
  /** Whether to measure only briefly, just to check that everything works. */
  readonly quick: boolean
  /** A folder that is deleted after the run. */
  readonly folder: string
  /** Prints the progress. */
  say(text: string): void
  /** Creates an empty PostgreSQL database and returns its URL. */
  emptyDatabase(): Promise<string>
}

/** Creates a folder, and a database if one of the packages needs it. */
export async function makePlace(
  run: Run,
  name: string,
  packages: readonly string[],
): Promise<Place> {
  const folder = join(run.folder, name)
  mkdirSync(folder)
  return { folder, postgresUrl: packages.includes('pg') ? await run.emptyDatabase() : '' }
}

/** Returns the items in a different order each round, so that no item is always first or always after the same item. */
export function inAnotherOrder<T>(items: readonly T[], round: number): T[] {
  const from = (round * 5) % items.length
  const turned = [...items.slice(from), ...items.slice(0, from)]
  return round % 2 === 0 ? turned : turned.reverse()
}
