import { randomUUID } from 'node:crypto'
import type { Client } from 'pg'
import type { Watcher } from './sql-store.ts'
import type { Change } from './store.ts'

/**
 * Hears what other servers change, on a connection of its own. It promises that `isCurrent()` is true only
 * while PostgreSQL's notifications come through: it sends one itself, again and again, the way that
 * writers send theirs, and has heard the last one.
 */
export interface Listener {
  isCurrent(): boolean
  close(): void
}

export interface Listening extends Watcher {
  readonly channel: string
  /** Makes the connection to listen on, which is not connected yet. */
  connect(): Client
  /** Sends a notification the way that writers do. Rejects within a while if it cannot. */
  say(payload: string): Promise<unknown>
  /** How long a notification may be on its way, and how long is waited between two, in milliseconds. */
  readonly interval: number
  /** What to do where all is well but for notifications. */
  readonly advice: string
}

/** How soon a lost connection is made anew, in milliseconds; then twice that, up to the interval. */
const FIRST_PAUSE = 50
/** Why a listener is deaf though its connection is well. */
const SILENCE = 'notifications do not come through'
/** What a notification begins with that is sent to be heard, and tells nothing. */
const ECHO = 'echo '

export function listenForChanges(listening: Listening): Listener {
  const { advice, channel, interval, forget, say, warn } = listening
  let client: Client | undefined
  let isCurrent = false
  /** The echo that is listened for, and whether it has been sent for certain. */
  let echo: { readonly payload: string; isSent: boolean } | undefined
  let isWarned = false
  let pause = FIRST_PAUSE
  let timer: NodeJS.Timeout | undefined

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
      if (client === mine) hear(payload)
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

  function hear(payload: string): void {
    if (payload === echo?.payload) {
      echo = undefined
      // Whatever has been changed until now may not have been heard.
      if (!isCurrent) forget('everything')
      isCurrent = true
      if (isWarned) warn('PostgreSQL tells this server again what others change.')
      isWarned = false
      pause = FIRST_PAUSE
    } else if (!payload.startsWith(ECHO)) {
      for (const change of changesIn(payload)) forget(change)
    }
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
    forget('everything')
    timer = setTimeout(listen, pause * (0.5 + Math.random())).unref()
    pause = Math.min(pause * 2, interval)
  }

  function hangUp(): void {
    clearTimeout(timer)
    echo = undefined
    const last = client
    client = undefined
    last?.end().catch(() => {})
  }

  listen()
  return {
    isCurrent: () => isCurrent,
    close: hangUp,
  }
}

/** What a notification says, or everything if it cannot be read. */
function changesIn(payload: string): readonly Change[] {
  try {
    const changes: unknown = JSON.parse(payload)
    if (Array.isArray(changes) && changes.every(isChange)) return changes
  } catch {}
  return ['everything']
}

function isChange(value: unknown): value is Change {
  if (value === 'everything') return true
  const { session, user } = Object(value) as { session?: unknown; user?: unknown }
  return typeof session === 'string' || typeof user === 'string'
}
