import { randomUUID } from 'node:crypto'

/** The reason when the connection works but notifications are not arriving. */
export const SILENCE = 'although the connection works'
/** The prefix of a notification that only tests the channel. */
const ECHO = 'echo '

/** Checks that notifications arrive, by regularly sending one in the same way as writers do. */
export interface Echo {
  /** Sends the first notification. */
  start(): void
  /** Returns whether this is the expected notification. If so, the next one is sent after the pause. */
  hears(payload: string): boolean
  stop(): void
}

/** Whether a notification is a server's test of the channel. */
export function isEcho(payload: string): boolean {
  return payload.startsWith(ECHO)
}

export function createEcho(orders: {
  say(payload: string): Promise<unknown>
  /** The maximum time until a notification arrives, and the pause between two of them, in milliseconds. */
  readonly interval: number
  /** Called if a notification could not be sent or did not arrive. */
  failed(reason: string): void
}): Echo {
  /** The expected notification, and whether it has certainly been sent. */
  let awaited: { readonly payload: string; isSent: boolean } | undefined
  let timer: NodeJS.Timeout | undefined

  function send(): void {
    const mine = { payload: ECHO + randomUUID(), isSent: false }
    awaited = mine
    orders.say(mine.payload).then(
      () => {
        mine.isSent = true
      },
      (error: Error) => {
        if (awaited === mine) orders.failed(error.message)
      },
    )
    timer = setTimeout(check, orders.interval).unref()
  }

  function check(): void {
    if (awaited === undefined) send()
    else if (awaited.isSent) orders.failed(SILENCE)
    else timer = setTimeout(check, orders.interval).unref()
  }

  return {
    start: send,
    hears(payload) {
      if (payload !== awaited?.payload) return false
      awaited = undefined
      return true
    },
    stop() {
      clearTimeout(timer)
      awaited = undefined
    },
  }
}
