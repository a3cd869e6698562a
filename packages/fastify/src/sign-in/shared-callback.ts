/**
 * Shares the outcome of a flow among its callbacks. A browser sends a second one when the user clicks *Grant
 * access* twice, when a proxy retries, or when the user reloads after a lost connection. The second callback
 * waits for the first, so that both get the same session or the same error.
 */
export interface SharedCallbacks<T> {
  /**
   * Runs `attempt`. If an attempt with the same key is in progress, waits for it and returns its outcome. If
   * that attempt is dropped, one of the waiting callbacks runs its own.
   * @returns the outcome, or `null` if too many callbacks are already waiting
   */
  share(
    key: string,
    attempt: (before: Dropped | null) => Promise<T | Dropped>,
  ): Promise<Shared<T> | null>
}

/** An outcome, and which callback it belongs to. */
export interface Shared<T> {
  readonly outcome: T | Dropped
  /** Whether this callback's own attempt had this outcome. */
  readonly isOwn: boolean
}

/** An attempt that stopped before the token request. The flow may be used. */
export class Dropped {
  /** Whether the attempt marked the flow as used. The next attempt must not do it again. */
  readonly flowUsed: boolean

  constructor(flowUsed: boolean) {
    this.flowUsed = flowUsed
  }
}

/** How many callbacks can wait for one attempt. Users and proxies only send a few. */
const MOST_WAITING = 32

export function createSharedCallbacks<T>(): SharedCallbacks<T> {
  const inProgress = new Map<string, { outcome: Promise<T | Dropped>; waiting: number }>()

  return {
    async share(key, attempt) {
      let before: Dropped | null = null
      for (;;) {
        const other = inProgress.get(key)
        if (other === undefined) break
        if (other.waiting >= MOST_WAITING) return null
        other.waiting++
        const outcome = await other.outcome
        if (!(outcome instanceof Dropped)) return { outcome, isOwn: false }
        before = outcome
      }
      const outcome = attempt(before).finally(() => inProgress.delete(key))
      inProgress.set(key, { outcome, waiting: 0 })
      return { outcome: await outcome, isOwn: true }
    },
  }
}
