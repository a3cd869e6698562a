import type { DatabaseSync } from 'node:sqlite'
import { changesIn, MOST_ROWS, type RecordRow } from '../record/record.ts'
import type { Change } from './store.ts'
import { thisTurn } from './turn.ts'

export interface RecordReader {
  /** Whether every change has been reported. Reads the file once per turn of the event loop. */
  isCurrent(): boolean
  /** Reports what this connection has just committed, because `isCurrent` does not see those changes. */
  readOwn(): void
}

/**
 * Reads the record, starting at its current end. SQLite counts the commits of other connections, in
 * this process or others: https://sqlite.org/pragma.html#pragma_data_version
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
    // Unread rows were swept, there are too many rows, or the file was replaced with an older one.
    const isWhole = first <= cursor + 1 && rows.length <= MOST_ROWS && last >= cursor
    // Rows that were committed after the query are read next time.
    cursor = isWhole ? newest : last
    for (const change of changesIn(rows)) tell(change)
    if (!isWhole) tell('everything')
  }

  return {
    readOwn() {
      try {
        readOn()
      } catch {
        // The transaction is committed anyway.
        tell('everything')
      }
    },

    isCurrent() {
      const turn = thisTurn()
      if (asked === turn) return true
      try {
        const now = dataVersion.get()?.data_version
        if (now !== version) {
          // The record would include rows of our own open transaction, which may be rolled back.
          if (database.isTransaction) return false
          readOn()
        }
        version = now
        asked = turn
        return true
      } catch {
        // The next query for a session reports the problem.
        return false
      }
    },
  }
}
