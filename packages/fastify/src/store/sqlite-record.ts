import type { DatabaseSync } from 'node:sqlite'
import { changesIn, MOST_ROWS, type RecordRow } from '../record/record.ts'
import type { Change } from './store.ts'
import { thisTurn } from './turn.ts'

export interface RecordReader {
  /** Whether everything has been told, which asks SQLite once in a turn of the event loop. */
  isCurrent(): boolean
  /** Tells what this connection has just committed, which `isCurrent` does not see. */
  readOwn(): void
}

/**
 * Reads the record, from where it ends now. Whether others have committed is what SQLite counts for each
 * connection (https://sqlite.org/pragma.html#pragma_data_version); they are other processes, or other
 * connections of this one.
 */
export function readRecord(database: DatabaseSync, tell: (change: Change) => void): RecordReader {
  const dataVersion = database.prepare('pragma data_version')
  const rowsAfter =
    database.prepare(`select id, type, session_id as session, user_id as user, reason
    from latchkey_record where id > ? order by id limit ${MOST_ROWS + 1}`)
  const ends = database.prepare(
    'select coalesce(min(id), 0) as first, coalesce(max(id), 0) as last from latchkey_record',
  )
  let version = dataVersion.get()?.data_version
  let cursor = endsNow().last
  let asked = 0

  function endsNow(): { first: number; last: number } {
    return ends.get() as { first: number; last: number }
  }

  function readOn(): void {
    const rows = rowsAfter.all(cursor) as unknown as RecordRow[]
    const { first, last } = endsNow()
    const newest = rows.at(-1)?.id ?? cursor
    // Rows that were not read have been swept, there are too many, or this is another, older file now.
    const isWhole = first <= cursor + 1 && rows.length <= MOST_ROWS && last >= cursor
    // What was committed since the rows were read comes next time.
    cursor = isWhole ? newest : last
    for (const change of changesIn(rows)) tell(change)
    if (!isWhole) tell('everything')
  }

  return {
    readOwn() {
      try {
        readOn()
      } catch {
        // It is committed all the same.
        tell('everything')
      }
    },

    isCurrent() {
      const turn = thisTurn()
      if (asked === turn) return true
      try {
        const now = dataVersion.get()?.data_version
        if (now !== version) {
          // The record would have rows of our own transaction too, which may be undone.
          if (database.isTransaction) return false
          readOn()
        }
        version = now
        asked = turn
        return true
      } catch {
        // Whatever is wrong with the file, asking it for a session will say so.
        return false
      }
    },
  }
}
