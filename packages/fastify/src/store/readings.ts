/** The minimum pause between two requested reads, in milliseconds. */
export const SHORTEST_REST = 10

export interface Readings {
  /**
   * Reads now, or once more after the read in progress, which may have started too early. Many calls in a
   * short time cause only a few reads.
   */
  readNow(): void
  stop(): void
}

/**
 * Reads now, and again after each pause, until a read fails or `stop` is called. After `stop`, neither `done`
 * nor `failed` is called.
 */
export function readAgainAndAgain(orders: {
  read(): Promise<void>
  /** The pause in milliseconds. */
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
      if (!isStopped) orders.done()
    } catch (error) {
      if (isStopped) return
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
