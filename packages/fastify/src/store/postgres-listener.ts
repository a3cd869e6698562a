import type { Client } from 'pg'
import { withReference } from '../http/codes.ts'
import type { RecordRow } from '../record/record.ts'
import { createEcho, isEcho, SILENCE } from './postgres-echo.ts'
import { followRecord } from './postgres-record.ts'
import { type Readings, readAgainAndAgain, SHORTEST_REST } from './readings.ts'
import type { Watcher } from './sql.ts'

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
/** How long is waited between two readings of the record that nobody asks for, in milliseconds. */
const LONGEST_REST = 1_000

export function listenForChanges(listening: Listening): Listener {
  const { interval, maxStaleness, say } = listening
  const record = followRecord(listening)
  const notifications = createNotificationState(listening)
  const echo = createEcho({ say, interval, failed: lose })
  let connection: ListeningConnection | undefined
  /** Reads the record on this connection, once an echo was heard on it. */
  let readings: Readings | undefined
  let pause = FIRST_PAUSE
  let timer: NodeJS.Timeout | undefined

  function listen(): void {
    try {
      connection = openConnection(listening, { ready: echo.start, heard: hear, lost: lose })
    } catch (error) {
      // Such as a certificate's file that is not there any more; it may be again.
      lose(error instanceof Error ? error.message : 'it cannot be made')
    }
  }

  function hear(payload: string, client: Client): void {
    if (echo.hears(payload)) {
      readings ??= readAgainAndAgain({
        read: () => record.readOn(client),
        rest: Math.max(SHORTEST_REST, Math.min(LONGEST_REST, maxStaleness / 3)),
        done: becomeCurrent,
        failed: (error) => lose(error.message),
      })
    } else if (!isEcho(payload)) readings?.readNow()
  }

  function becomeCurrent(): void {
    notifications.restored()
    pause = FIRST_PAUSE
  }

  function lose(reason: string): void {
    disconnect()
    notifications.lost(reason)
    timer = setTimeout(listen, pause * (0.5 + Math.random())).unref()
    pause = Math.min(pause * 2, interval)
  }

  function disconnect(): void {
    clearTimeout(timer)
    readings?.stop()
    readings = undefined
    echo.stop()
    connection?.close()
    connection = undefined
  }

  listen()
  return {
    isCurrent: () => notifications.areArriving() && record.isFresh(),
    isFollowing: record.isFollowing,
    takeOwn: record.takeOwn,
    oldestNeeded: record.oldestNeeded,
    close: disconnect,
  }
}

/** Whether notifications arrive, and what an operator has to know of it. */
interface NotificationState {
  /** Whether an echo was heard on this connection, and the record was read since. */
  areArriving(): boolean
  restored(): void
  lost(reason: string): void
}

function createNotificationState({ advice, warn }: Listening): NotificationState {
  let areArriving = false
  let isWarned = false

  return {
    areArriving: () => areArriving,

    restored() {
      areArriving = true
      if (isWarned) warn('PostgreSQL notifications arrive again.')
      isWarned = false
    },

    lost(reason) {
      // A connection that was only cut is soon back, and nobody has to do anything.
      if (!areArriving && !isWarned) {
        isWarned = true
        const cure = reason === SILENCE ? ` ${advice}` : ''
        warn(
          withReference(
            `PostgreSQL notifications do not arrive (${reason}). Until they do, every request reads its session from the database.${cure}`,
            'notifications_missing',
          ),
        )
      }
      areArriving = false
    },
  }
}

/** A connection that listens, until it is lost or closed. After that, none of its events is reported. */
interface ListeningConnection {
  close(): void
}

interface ConnectionEvents {
  /** It is connected, and listens. */
  ready(): void
  heard(payload: string, client: Client): void
  lost(reason: string): void
}

/** @throws where the connection cannot even be made */
function openConnection(
  { channel, connect }: Pick<Listening, 'channel' | 'connect'>,
  { ready, heard, lost }: ConnectionEvents,
): ListeningConnection {
  // What @types/pg has forgotten.
  const client = connect() as Client & { unref(): void }
  let isOpen = true

  function report(error?: Error): void {
    if (isOpen) lost(error?.message || 'the connection is gone')
  }

  client.on('error', report)
  client.on('end', () => report())
  client.on('notification', ({ payload = '' }) => {
    if (isOpen) heard(payload, client)
  })
  client
    .connect()
    .then(() => client.query(`listen ${channel}`))
    .then(() => {
      if (!isOpen) return
      // A process that has nothing else to do may end.
      client.unref()
      ready()
    })
    .catch(report)

  return {
    close() {
      isOpen = false
      client.end().catch(() => {})
    },
  }
}
