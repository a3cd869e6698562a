import type { Client } from 'pg'
import { changesIn, LONGEST_GAP, MOST_ROWS, RETENTION, type RecordRow } from '../record/record.ts'
import type { Change } from './store.ts'
import { thisTurn } from './turn.ts'

/** The number of this server's own rows that are remembered. They are read within about a second. */
const MOST_OWN = 10_000
/** How often to record which transactions are over, for the sweep, in milliseconds. */
const SNAPSHOT_INTERVAL = 60_000

interface Followed {
  readonly schema: string
  readonly maxStaleness: number
  changed(change: Change): void
}

export interface FollowedRecord {
  /** Reports what was recorded since the last read. */
  readOn(client: Client): Promise<void>
  takeOwn(rows: readonly RecordRow[]): readonly RecordRow[]
  /** Whether the last read is recent. Reads the clocks once per turn of the event loop. */
  isFresh(): boolean
  isFollowing(): boolean
  oldestNeeded(): string | undefined
}

/** The result of one read of the record: the rows, and what the next read needs. */
interface Reading {
  /**
   * The transactions that this read could see. https://www.postgresql.org/docs/current/functions-info.html
   */
  readonly snapshot: string
  /** The oldest transaction that it could not see, and the first one that had not begun. */
  readonly xmin: string
  readonly xmax: string
  /** This value changes after a restart, a crash or a failover, and when the tables are replaced. */
  readonly history: string
  /** Milliseconds since 1970, by PostgreSQL's clock. */
  readonly time: number
  readonly rows: readonly RecordRow[] | null
}

interface Moment {
  /** Milliseconds, by the monotonic clock, which never jumps but stops while the machine sleeps. */
  readonly monotonic: number
  readonly wall: number
}

type LastReading = Reading & { readonly sentAt: Moment }

/** @param schema The schema of the tables. */
export function followRecord({ changed, maxStaleness, schema }: Followed): FollowedRecord {
  const statement = readingStatement(schema)
  const own = createOwnRows()
  const snapshots = createSnapshots()
  let last: LastReading | undefined
  let askedIn = 0
  let wasFresh = false

  return {
    async readOn(client) {
      const sentAt = now()
      const { rows } = await client.query<Reading>(statement, [last?.snapshot ?? null])
      const [reading] = rows
      if (reading === undefined) throw new Error('the record cannot be read')
      const isOther = last !== undefined && isOtherHistory(last, reading)
      const isGap = isOther || (last !== undefined && wasAway(last, sentAt, reading))
      if (isOther) {
        own.clear()
        snapshots.clear()
      }
      last = { ...reading, sentAt }
      askedIn = 0
      snapshots.note(sentAt, reading)
      const read = reading.rows ?? []
      for (const change of changesIn(own.others(read))) changed(change)
      if (isGap || read.length > MOST_ROWS) changed('everything')
    },

    takeOwn: own.take,
    isFollowing: () => last !== undefined,

    isFresh() {
      const turn = thisTurn()
      if (askedIn !== turn) {
        askedIn = turn
        wasFresh = last !== undefined && isYounger(last.sentAt, maxStaleness)
      }
      return wasFresh
    },

    oldestNeeded: snapshots.oldestNeeded,
  }
}

/** Whether rows may have been swept since the last read. */
function wasAway(last: LastReading, sentAt: Moment, reading: Reading): boolean {
  const times = [
    sentAt.monotonic - last.sentAt.monotonic,
    Math.abs(sentAt.wall - last.sentAt.wall),
    Math.abs(reading.time - last.time),
  ]
  return times.some((time) => !(time < LONGEST_GAP))
}

/**
 * Whether the ids of transactions and rows may have a different meaning than at the last read.
 */
function isOtherHistory(last: LastReading, reading: Reading): boolean {
  return reading.history !== last.history || BigInt(reading.xmax) < BigInt(last.xmax)
}

/** The rows of this server's own transactions, which were reported before the record was read. */
interface OwnRows {
  /** @returns the rows */
  take(rows: readonly RecordRow[]): readonly RecordRow[]
  /**
   * Returns the rows that other servers recorded. Forgets the ids of this server's own rows among them,
   * because each row is read once.
   */
  others(rows: readonly RecordRow[]): RecordRow[]
  clear(): void
}

function createOwnRows(): OwnRows {
  const ids = new Set<number>()

  return {
    take(rows) {
      for (const { id } of rows) ids.add(id)
      for (const id of ids) {
        if (ids.size <= MOST_OWN) break
        ids.delete(id)
      }
      return rows
    },
    others: (rows) => rows.filter(({ id }) => !ids.delete(id)),
    clear: () => ids.clear(),
  }
}

/**
 * Records which transactions were over at which time, so that the sweep can tell which rows every reader has read.
 */
interface Snapshots {
  note(at: Moment, reading: Reading): void
  /** Returns the id of the oldest transaction that a reader may still need, once it is known. */
  oldestNeeded(): string | undefined
  clear(): void
}

function createSnapshots(): Snapshots {
  /** Oldest first. */
  const snapshots: { readonly at: number; readonly xmin: string }[] = []

  return {
    note({ monotonic }, { xmin }) {
      const newest = snapshots.at(-1)
      if (newest !== undefined && monotonic - newest.at < SNAPSHOT_INTERVAL) return
      snapshots.push({ at: monotonic, xmin })
    },

    oldestNeeded() {
      const over = performance.now() - RETENTION.cache
      const last = snapshots.findLastIndex(({ at }) => at <= over)
      if (last > 0) snapshots.splice(0, last)
      return last >= 0 ? snapshots[0]?.xmin : undefined
    },

    clear() {
      snapshots.length = 0
    },
  }
}

function now(): Moment {
  return { monotonic: performance.now(), wall: Date.now() }
}

/** Whether it was less than `limit` milliseconds ago according to both clocks. */
function isYounger(moment: Moment, limit: number): boolean {
  const { monotonic, wall } = now()
  const ages = [monotonic - moment.monotonic, wall - moment.wall]
  return ages.every((age) => age >= 0 && age < limit)
}

/**
 * Returns the statement that reads exactly the rows of the transactions that an earlier snapshot, `$1`, could
 * not see, regardless of the order in which they were committed. Crash recovery may reuse ids that were not
 * durable. It also resets PostgreSQL's statistics, which changes `history`.
 */
function readingStatement(schema: string): string {
  const table = `"${schema.replaceAll('"', '""')}".latchkey_record`
  return `select pg_current_snapshot()::text as snapshot,
    pg_snapshot_xmin(pg_current_snapshot())::text as xmin,
    pg_snapshot_xmax(pg_current_snapshot())::text as xmax,
    concat_ws(' ', pg_postmaster_start_time(), pg_stat_get_bgwriter_stat_reset_time(),
      '${table.replaceAll("'", "''")}'::regclass::oid) as history,
    (extract(epoch from clock_timestamp()) * 1000)::float8 as time,
    (select json_agg(json_build_object('id', id, 'type', type, 'session', session_id,
      'user', user_id, 'reason', reason) order by id) from (
        select * from ${table} where (xid >= pg_snapshot_xmax($1::pg_snapshot)
            or xid = any(array(select pg_snapshot_xip($1::pg_snapshot))))
          and xid < pg_snapshot_xmax(pg_current_snapshot())
        order by id limit ${MOST_ROWS + 1}
      ) as unseen) as rows`
}
