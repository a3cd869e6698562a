import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** These projects keep a core busy. */
const BUSY = ['browser']
/** These projects mostly wait for PostgreSQL, for processes that they start, or for the registry. */
const WAITING = ['packages', 'processes']

/**
 * Runs a file that keeps a core busy alongside one that mostly waits. Without this, Vitest runs one project
 * after the other, so the workers first compete for the cores and then leave them idle.
 */
export class Interleaving extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const of = (names: readonly string[]): TestSpecification[] =>
      sorted.filter(({ project }) => names.includes(project.name))
    const slow = interleave(of(BUSY), of(WAITING))
    return [...slow, ...sorted.filter((file) => !slow.includes(file))]
  }
}

/** Merges two lists evenly, regardless of their lengths. */
function interleave<T>(one: readonly T[], other: readonly T[]): T[] {
  const placed = [one, other].flatMap((list) =>
    list.map((item, index) => ({ item, place: (index + 0.5) / list.length })),
  )
  return placed.sort((a, b) => a.place - b.place).map(({ item }) => item)
}
