import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Place } from './contenders/contender.ts'

/** What every measurement is given. */
export interface Run {
  /** To see that everything works, rather than for figures. */
  readonly quick: boolean
  /** A folder that goes with the run. */
  readonly folder: string
  /** Tells who is waiting. */
  say(text: string): void
  /** The URL of an empty PostgreSQL database. */
  emptyDatabase(): Promise<string>
}

/** A folder, and a database if one of the packages needs it. */
export async function makePlace(
  run: Run,
  name: string,
  packages: readonly string[],
): Promise<Place> {
  const folder = join(run.folder, name)
  mkdirSync(folder)
  return { folder, postgresUrl: packages.includes('pg') ? await run.emptyDatabase() : '' }
}

/** So that nobody always comes first, or after the same. */
export function inAnotherOrder<T>(items: readonly T[], round: number): T[] {
  const from = (round * 5) % items.length
  const turned = [...items.slice(from), ...items.slice(0, from)]
  return round % 2 === 0 ? turned : turned.reverse()
}
