import type { Client } from 'pg'
import { withReference } from '../http/codes.ts'
import type { RecordRow } from '../record/record.ts'
import { createEcho, isEcho, SILENCE } from './postgres-echo.ts'
import { followRecord } from './postgres-record.ts'
import { type Readings, readAgainAndAgain, SHORTEST_REST } from './readings.ts'
import type { Watcher } from './sql.ts'

/**
 * Reads the changes of other servers from the record (`record.ts`), on a separate connection: once a second,
 * and whenever a notification announces a change. A notification is only a hint, because anyone who can
 * connect can send one. If one is lost, the change is noticed up to a second later. `isCurrent()` is true
 * only while both of these hold:
 *
 * - The record was read less than `maxStaleness` ago. The wall clock and the monotonic clock, which stops
 *   while the machine sleeps, must agree on this.
 * - Notifications arrive. The listener regularly sends one in the same way as writers do, and has
 *   received the last one. This proves that its connection and the writers' lead to the same
 *   database.
 */
export interface Listener {
  isCurrent(): boolean
  /** Whether it has begun to read the record, so that every later change will be reported. */
  isFollowing(): boolean
  /**
   * Skips these rows from now on. This server recorded them itself, and reports them immediately.
   * @returns the rows
   */
  takeOwn(rows: readonly RecordRow[]): readonly RecordRow[]
  /** Returns the id of the oldest transaction that a reader may still need, once it is known. */
  oldestNeeded(): string | undefined
  close(): void
}

export interface Listening extends Watcher {
  readonly channel: string
  /** The schema of the tables. */
  readonly schema: string
  /** Creates the client that listens. It is not connected yet. */
  connect(): Client
  /** Sends a notification in the same way as writers do. Rejects after a while if it cannot. */
  say(payload: string): Promise<unknown>
  /** The maximum time until a notification arrives, and the pause between two of them, in milliseconds. */
  readonly interval: number
  readonly maxStaleness: number
  /** The advice for the case that the connection works but notifications do not arrive. */
  readonly advice: string
}

/**
 * The first pause before a lost connection is reopened, in milliseconds. It doubles each time, up to the interval.
 */
const FIRST_PAUSE = 50
/** The pause between two reads of the record if no notification arrives, in milliseconds. */
const LONGEST_REST = 1_000

export function listenForChanges(listening: Listening): Listener {
  const { interval, maxStaleness, say } = listening
  const record = followRecord(listening)
  const notifications = createNotificationState(listening)
  const echo = createEcho({ say, interval, failed: lose })
  let connection: ListeningConnection | undefined
  /**
   * Reads the record on this connection, starting when the first echo arrives on it.
   */
  let readings: Readings | undefined
  let pause = FIRST_PAUSE
  let timer: NodeJS.Timeout | undefined

  function listen(): void {
    try {
      connection = openConnection(listening, { ready: echo.start, heard: hear, lost: lose })
    } catch (error) {
      // The cause may be temporary, for example a missing certificate file.
      lose(error instanceof Error ? error.message : 'the connection cannot be created')
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

/** Whether notifications arrive, and what to warn the operator about. */
interface NotificationState {
  /** Whether an echo has arrived on this connection, and the record has been read since. */
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
      if (isWarned) warn('PostgreSQL notifications are arriving again.')
      isWarned = false
    },

    lost(reason) {
      // Do not warn about a dropped connection that is reopened quickly.
      if (!areArriving && !isWarned) {
        isWarned = true
        const cure = reason === SILENCE ? ` ${advice}` : ''
        warn(
          withReference(
            `PostgreSQL notifications are not arriving (${reason}). Until then, every request reads its session from the database.${cure}`,
            'notifications_missing',
          ),
        )
      }
      areArriving = false
    },
  }
}

/** A connection that listens until it is lost or closed. After that, it reports no events. */
interface ListeningConnection {
  close(): void
}

interface ConnectionEvents {
  /** It is connected and listening. */
  ready(): void
  heard(payload: string, client: Client): void
  lost(reason: string): void
}

/** @throws if the client cannot be created */
function openConnection(
  { channel, connect }: Pick<Listening, 'channel' | 'connect'>,
  { ready, heard, lost }: ConnectionEvents,
): ListeningConnection {
  // @types/pg lacks `unref`.
  const client = connect() as Client & { unref(): void }
  let isOpen = true

  function report(error?: Error): void {
    if (isOpen) lost(error?.message || 'the connection was lost')
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
      // The connection does not keep the process alive.
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
