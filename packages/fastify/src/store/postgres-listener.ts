import { randomUUID } from 'node:crypto'
import type { Client } from 'pg'
import { changesIn, LONGEST_GAP, MOST_ROWS, RETENTION, type RecordRow } from '../record/record.ts'
import type { Watcher } from './sql.ts'
import { thisTurn } from './turn.ts'

/**
 * Learns what other servers change by reading the record (`record.ts`), on a connection of its own: once
 * a second, and whenever a notification says that there is something to read. A notification is a hint and
 * nothing more, since anybody who may connect can send one, and a lost one costs a second. It promises that
 * `isCurrent()` is true only while both hold:
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
   * Makes it skip these rows, which this server has recorded itself and tells without waiting.
   * @returns the rows
   */
  takeOwn(rows: readonly RecordRow[]): readonly RecordRow[]
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

/** How soon a lost connection is made again, in milliseconds; then twice that, up to the interval. */
const FIRST_PAUSE = 50
/** How long is waited between two readings of the record, in milliseconds. */
const LONGEST_REST = 1_000
const SHORTEST_REST = 10
/** How many rows of this server's own are remembered, which are read within a second or so. */
const MOST_OWN = 10_000
/** How often it is noted which transactions are over, for the sweep, in milliseconds. */
const SNAPSHOT_INTERVAL = 60_000
/** The reason when the connection works but notifications do not arrive. */
const SILENCE = 'although the connection works'
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
    } else if (!payload.startsWith(ECHO)) readings?.readNow()
  }

  function becomeCurrent(): void {
    isCurrent = true
    if (isWarned) warn('PostgreSQL notifications arrive again.')
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
        `PostgreSQL notifications do not arrive (${reason}). Until they do, every request reads its session from the database.${cure}`,
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
    takeOwn: record.takeOwn,
    oldestNeeded: record.oldestNeeded,
    close: hangUp,
  }
}

interface Readings {
  /**
   * Reads now, or once more after the reading in progress, which may have been too early. Many calls in a
   * short time become few readings.
   */
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
  let startedAt = Number.NEGATIVE_INFINITY

  async function readOn(): Promise<void> {
    clearTimeout(timer)
    isReading = true
    isAsked = false
    startedAt = performance.now()
    try {
      await orders.read()
      orders.done()
    } catch (error) {
      isStopped = true
      orders.failed(error instanceof Error ? error : new Error('the record cannot be read'))
    }
    isReading = false
    schedule()
  }

  function schedule(): void {
    clearTimeout(timer)
    if (isReading || isStopped) return
    const rest = isAsked ? startedAt + SHORTEST_REST - performance.now() : orders.rest
    if (rest <= 0) readOn()
    else timer = setTimeout(readOn, rest).unref()
  }

  readOn()
  return {
    readNow() {
      isAsked = true
      schedule()
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
  takeOwn(rows: readonly RecordRow[]): readonly RecordRow[]
  /** Whether the last reading is recent. Looks at the clocks once in a turn of the event loop. */
  isFresh(): boolean
  isFollowing(): boolean
  oldestNeeded(): string | undefined
}

/** One reading of the record: the rows, and what the next one has to know. */
interface Reading {
  /** What this reading could see. https://www.postgresql.org/docs/current/functions-info.html */
  readonly snapshot: string
  /** The oldest transaction that it could not see, and the first that had not begun. */
  readonly xmin: string
  readonly xmax: string
  /** What is another after a restart, a crash, a failover, or with other tables. */
  readonly history: string
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
  /** The ids of rows that were told before they were read. */
  const own = new Set<number>()
  /** By age: which transactions were over when, for the sweep. */
  const snapshots: { readonly at: number; readonly xmin: string }[] = []
  let askedIn = 0
  let wasFresh = false

  /** Whether rows may have been swept since the last reading. */
  function wasAway(sentAt: Moment, reading: Reading): boolean {
    if (last === undefined) return false
    const times = [
      sentAt.monotonic - last.sentAt.monotonic,
      Math.abs(sentAt.wall - last.sentAt.wall),
      Math.abs(reading.time - last.time),
    ]
    return times.some((time) => !(time < LONGEST_GAP))
  }

  /** Whether ids of transactions and rows may mean something else than at the last reading. */
  function isOtherHistory(reading: Reading): boolean {
    if (last === undefined) return false
    return reading.history !== last.history || BigInt(reading.xmax) < BigInt(last.xmax)
  }

  function noteSnapshot({ monotonic }: Moment, { xmin }: Reading): void {
    const newest = snapshots.at(-1)
    if (newest !== undefined && monotonic - newest.at < SNAPSHOT_INTERVAL) return
    snapshots.push({ at: monotonic, xmin })
  }

  return {
    async readOn(client) {
      const sentAt = now()
      const { rows } = await client.query<Reading>(statement, [last?.snapshot ?? null])
      const [reading] = rows
      if (reading === undefined) throw new Error('the record cannot be read')
      const isOther = isOtherHistory(reading)
      const isGap = isOther || wasAway(sentAt, reading)
      if (isOther) {
        own.clear()
        snapshots.length = 0
      }
      last = { ...reading, sentAt }
      askedIn = 0
      noteSnapshot(sentAt, reading)
      const read = reading.rows ?? []
      for (const change of changesIn(read.filter(({ id }) => !own.delete(id)))) changed(change)
      if (isGap || read.length > MOST_ROWS) changed('everything')
    },

    takeOwn(rows) {
      for (const { id } of rows) own.add(id)
      for (const id of own) {
        if (own.size <= MOST_OWN) break
        own.delete(id)
      }
      return rows
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
 * order they were committed. Crash recovery may give ids out again that nothing durable had; it also starts
 * PostgreSQL's statistics again, which is how a reader notices.
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
