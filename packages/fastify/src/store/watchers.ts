import { withReference } from '../http/codes.ts'
import type { Watcher } from './sql.ts'
import type { Change } from './store.ts'

/** The maximum number of unreadable rows to report. After that many, the operator knows. */
const MOST_REPORTED = 1_000

/** The watchers of a store. Each receives every change and every warning. */
export interface Watchers extends Watcher {
  /** @returns a function that removes the watcher */
  add(watcher: Watcher): () => void
  /** Warns once about a row that cannot be read. */
  reportUnreadable(table: string, id: string): void
}

export function createWatchers(): Watchers {
  const watchers = new Set<Watcher>()
  const reported = new Set<string>()

  function warn(message: string): void {
    for (const watcher of watchers) watcher.warn(message)
  }

  return {
    warn,

    changed(change: Change) {
      for (const watcher of watchers) watcher.changed(change)
    },

    add(watcher) {
      watchers.add(watcher)
      return () => watchers.delete(watcher)
    },

    reportUnreadable(table, id) {
      if (reported.has(id) || reported.size >= MOST_REPORTED) return
      reported.add(id)
      warn(
        withReference(
          `The row with the id ${JSON.stringify(id)} in ${table} cannot be read, and is treated as missing or incomplete. Correct it or delete it.`,
          'row_unreadable',
        ),
      )
    },
  }
}
