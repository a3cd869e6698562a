import { randomUUID } from 'node:crypto'
import type { Client } from 'pg'
import { changeIn, LONGEST_GAP, MOST_ROWS, RETENTION, type RecordRow } from './record.ts'
import type { Watcher } from './sql-store.ts'
import { thisTurn } from './turn.ts'

/**
 * Learns what other servers change, on a connection of its own. Notifications are the fast path; once a
 * second it also reads the record (`record.ts`), so that a lost notification costs a second and nothing
 * else. It promises that `isCurrent()` is true only while both hold:
 *
 * - The record was read less than `maxStaleness` ago, by the clock on the wall and by the one that stops
 *   while the machine sleeps.
 * - Notifications come through: it sends one itself, again and again, the way that writers send theirs,
 *   and has heard the last one. So this connection and the writers' lead to the same database.
 */
export interface Listener {
  isCurrent(): boolean
  /** Whether it has begun to read the record, so that every later change will be told. */
  isFollowing(): boolean
  /**
   * Makes it skip a transaction of this server's own, which is told by the caller.
   * @returns `false` if it has told it already
   */
  markTold(xid: string): boolean
  /** The id of the oldest transaction that a reader may still need, once that is known. */
  oldestNeeded(): string | undefined
  close(): void
}

export interface Listening extends Watcher {
  readonly channel: string
  /** Where the tables are. */
  readonly schema: string
  /** Makes the connection to listen on, which is not connected yet. */
  connect(): Client
  /** Sends a notification the way that writers do. Rejects within a while if it cannot. */
  say(payload: string): Promise<unknown>
  /** How long a notification may be on its way, and how long is waited between two, in milliseconds. */
  readonly interval: number
  readonly maxStaleness: number
  /** What to do where all is well but for notifications. */
  readonly advice: string
}

/** The notification of a transaction that has recorded more than a notification can hold. */
export const LOOK = '["look"]'

/** How soon a lost connection is made again, in milliseconds; then twice that, up to the interval. */
const FIRST_PAUSE = 50
/** How long is waited between two readings of the record, in milliseconds. */
const LONGEST_REST = 1_000
const SHORTEST_REST = 10
/** How often it is noted which transactions are over, for the sweep, in milliseconds. */
const SNAPSHOT_INTERVAL = 60_000
/** Why a listener is deaf though its connection is well. */
const SILENCE = 'notifications do not come through'
/** What a notification begins with that is sent to be heard, and tells nothing. */
const ECHO = 'echo '

export function listenForChanges(listening: Listening): Listener {
  const { advice, channel, interval, maxStaleness, say, warn } = listening
  const record = followRecord(listening)
  let client: Client | undefined
  /** Whether an echo was heard on this connection, and the record was read since. */
  let isCurrent = false
  /** The echo that is listened for, and whether it has been sent for certain. */
  let echo: { readonly payload: string; isSent: boolean } | undefined
  let isWarned = false
  let pause = FIRST_PAUSE
  let timer: NodeJS.Timeout | undefined
  /** Reads the record on this connection, once an echo was heard on it. */
  let readings: Readings | undefined

  function listen(): void {
    // What @types/pg has forgotten.
    let mine: Client & { unref(): void }
    try {
      mine = listening.connect() as typeof mine
    } catch (error) {
      // Such as a certificate's file that is not there any more; it may be again.
      becomeDeaf(error instanceof Error ? error.message : 'it cannot be made')
      return
    }
    client = mine
    const lose = (error?: Error): void => {
      if (client === mine) becomeDeaf(error?.message || 'the connection is gone')
    }
    mine.on('error', lose)
    mine.on('end', lose)
    mine.on('notification', ({ payload = '' }) => {
      if (client === mine) hear(mine, payload)
    })
    mine
      .connect()
      .then(() => mine.query(`listen ${channel}`))
      .then(() => {
        if (client !== mine) return
        // A process that has nothing else to do may end.
        mine.unref()
        call()
      })
      .catch(lose)
  }

  function call(): void {
    const mine = { payload: ECHO + randomUUID(), isSent: false }
    echo = mine
    say(mine.payload).then(
      () => {
        mine.isSent = true
      },
      (error: Error) => {
        if (echo === mine) becomeDeaf(error.message)
      },
    )
    timer = setTimeout(check, interval).unref()
  }

  function check(): void {
    if (echo === undefined) call()
    else if (echo.isSent) becomeDeaf(SILENCE)
    else timer = setTimeout(check, interval).unref()
  }

  function hear(mine: Client, payload: string): void {
    if (payload === echo?.payload) {
      echo = undefined
      readings ??= readAgainAndAgain({
        read: () => record.readOn(mine),
        rest: Math.max(SHORTEST_REST, Math.min(LONGEST_REST, maxStaleness / 3)),
        done: () => {
          if (client === mine) becomeCurrent()
        },
        failed: (error) => {
          if (client === mine) becomeDeaf(error.message)
        },
      })
    } else if (payload === LOOK) readings?.readNow()
    else if (!payload.startsWith(ECHO)) record.tell(rowsIn(payload))
  }

  function becomeCurrent(): void {
    isCurrent = true
    if (isWarned) warn('PostgreSQL tells this server again what others change.')
    isWarned = false
    pause = FIRST_PAUSE
  }

  function becomeDeaf(reason: string): void {
    hangUp()
    // One that was only cut is back at once, and nobody has to do anything.
    if (!isCurrent && !isWarned) {
      isWarned = true
      const cure = reason === SILENCE ? ` ${advice}` : ''
      warn(
        `PostgreSQL does not tell this server what others change (${reason}), so every request asks it.${cure}`,
      )
    }
    isCurrent = false
    timer = setTimeout(listen, pause * (0.5 + Math.random())).unref()
    pause = Math.min(pause * 2, interval)
  }

  function hangUp(): void {
    clearTimeout(timer)
    readings?.stop()
    readings = undefined
    echo = undefined
    const last = client
    client = undefined
    last?.end().catch(() => {})
  }

  listen()
  return {
    isCurrent: () => isCurrent && record.isFresh(),
    isFollowing: record.isFollowing,
    markTold: record.markTold,
    oldestNeeded: record.oldestNeeded,
    close: hangUp,
  }
}

interface Readings {
  /** Reads now, or once more when the reading under way is over, which may have been too early. */
  readNow(): void
  stop(): void
}

/** Reads now, and then again after each rest, until it fails or is stopped. */
function readAgainAndAgain(orders: {
  read(): Promise<void>
  /** Milliseconds. */
  readonly rest: number
  done(): void
  failed(error: Error): void
}): Readings {
  let timer: NodeJS.Timeout | undefined
  let isReading = false
  let isAsked = false
  let isStopped = false

  async function readOn(): Promise<void> {
    clearTimeout(timer)
    isReading = true
    isAsked = false
    try {
      await orders.read()
      orders.done()
    } catch (error) {
      isStopped = true
      orders.failed(error instanceof Error ? error : new Error('the record cannot be read'))
    }
    isReading = false
    if (isStopped) return
    if (isAsked) readOn()
    else timer = setTimeout(readOn, orders.rest).unref()
  }

  readOn()
  return {
    readNow() {
      isAsked = true
      if (!isReading && !isStopped) readOn()
    },
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}

interface FollowedRecord {
  /** Tells what was recorded since the last reading. */
  readOn(client: Client): Promise<void>
  /** Tells what a notification says. */
  tell(rows: readonly unknown[]): void
  markTold(xid: string): boolean
  /** Whether the last reading is recent. Looks at the clocks once in a turn of the event loop. */
  isFresh(): boolean
  isFollowing(): boolean
  oldestNeeded(): string | undefined
}

/** One reading of the record: the rows, and what the next one has to know. */
interface Reading {
  /** What this reading could see. https://www.postgresql.org/docs/current/functions-info.html */
  readonly snapshot: string
  /** The oldest transaction that it could not see. */
  readonly xmin: string
  /** When this PostgreSQL started. */
  readonly started: string
  /** Milliseconds since 1970 by PostgreSQL's clock. */
  readonly time: number
  readonly rows: readonly RecordRow[] | null
}

interface Moment {
  /** Milliseconds by the clock that never jumps, but stops while the machine sleeps. */
  readonly monotonic: number
  readonly wall: number
}

function now(): Moment {
  return { monotonic: performance.now(), wall: Date.now() }
}

function followRecord({ changed, maxStaleness, schema }: Listening): FollowedRecord {
  const statement = readingStatement(schema)
  let last: (Reading & { readonly sentAt: Moment }) | undefined
  /** Transactions that have been told by a notification, or by the one that ran them here. */
  const told = new Set<string>()
  /** By age: which transactions were over when, for the sweep. */
  const snapshots: { readonly at: number; readonly xmin: string }[] = []
  let askedIn = 0
  let wasFresh = false

  function tellOnce(rows: readonly unknown[]): void {
    const xids = new Set<string>()
    for (const row of rows) {
      const { xid } = Object(row) as { xid?: unknown }
      if (typeof xid === 'string') {
        if (told.has(xid)) continue
        xids.add(xid)
      }
      changed(changeIn(row))
    }
    for (const xid of xids) told.add(xid)
  }

  /** Whether rows may have been swept since the last reading, or belong to another history. */
  function hasGap(sentAt: Moment, reading: Reading): boolean {
    if (last === undefined) return false
    const away = [
      sentAt.monotonic - last.sentAt.monotonic,
      Math.abs(sentAt.wall - last.sentAt.wall),
      Math.abs(reading.time - last.time),
    ]
    return reading.started !== last.started || away.some((time) => !(time < LONGEST_GAP))
  }

  return {
    async readOn(client) {
      const sentAt = now()
      const { rows } = await client.query<Reading>(statement, [last?.snapshot ?? null])
      const [reading] = rows
      if (reading === undefined) throw new Error('the record cannot be read')
      const isWhole = !hasGap(sentAt, reading) && (reading.rows?.length ?? 0) <= MOST_ROWS
      // By one reading later, since a notification may come after the reading that told the same.
      const over = BigInt(last?.xmin ?? 0)
      for (const xid of told) if (BigInt(xid) < over) told.delete(xid)
      last = { ...reading, sentAt }
      tellOnce(reading.rows ?? [])
      if (!isWhole) changed('everything')
      const newest = snapshots.at(-1)
      if (newest === undefined || sentAt.monotonic - newest.at >= SNAPSHOT_INTERVAL) {
        snapshots.push({ at: sentAt.monotonic, xmin: reading.xmin })
      }
      askedIn = 0
    },

    tell: tellOnce,
    markTold(xid) {
      const isNew = !told.has(xid)
      told.add(xid)
      return isNew
    },
    isFollowing: () => last !== undefined,

    isFresh() {
      const turn = thisTurn()
      if (askedIn === turn) return wasFresh
      askedIn = turn
      wasFresh = false
      if (last === undefined) return false
      const { monotonic, wall } = now()
      const ages = [monotonic - last.sentAt.monotonic, wall - last.sentAt.wall]
      wasFresh = ages.every((age) => age >= 0 && age < maxStaleness)
      return wasFresh
    },

    oldestNeeded() {
      const over = performance.now() - RETENTION.cache
      const last = snapshots.findLastIndex(({ at }) => at <= over)
      if (last > 0) snapshots.splice(0, last)
      return last >= 0 ? snapshots[0]?.xmin : undefined
    },
  }
}

/**
 * Reads exactly the rows of those transactions that an earlier snapshot, `$1`, could not see, in whatever
 * order they were committed.
 */
function readingStatement(schema: string): string {
  const table = `"${schema.replaceAll('"', '""')}".latchkey_record`
  return `select pg_current_snapshot()::text as snapshot,
    pg_snapshot_xmin(pg_current_snapshot())::text as xmin,
    pg_postmaster_start_time()::text as started,
    (extract(epoch from clock_timestamp()) * 1000)::float8 as time,
    (select json_agg(json_build_object('xid', xid::text, 'type', type, 'session', session_id,
      'user', user_id, 'reason', reason) order by id) from (
        select * from ${table} where xid >= pg_snapshot_xmax($1::pg_snapshot)
          or xid = any(array(select pg_snapshot_xip($1::pg_snapshot)))
        order by id limit ${MOST_ROWS + 1}
      ) as unseen) as rows`
}

/** The rows of a notification. What cannot be read may be anything. */
function rowsIn(payload: string): readonly unknown[] {
  try {
    const rows: unknown = JSON.parse(payload)
    if (Array.isArray(rows)) return rows
  } catch {}
  return ['everything']
}
