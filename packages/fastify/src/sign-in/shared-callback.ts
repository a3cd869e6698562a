/**
 * Shares the outcome of one flow among its callbacks. A browser sends a second one when somebody clicks
 * *Grant access* twice, when a proxy retries, or when a reload follows a cut connection. The second waits
 * for the first, so that both end with the same session or the same failure.
 */
export interface SharedCallbacks<T> {
  /**
   * Runs `attempt`, unless one for the same key is in progress: then it returns that one's outcome. When
   * an attempt is dropped, one of those that wait for it runs its own.
   * @returns `null` if too many already wait
   */
  share(
    key: string,
    attempt: (before: Dropped | null) => Promise<T | Dropped>,
  ): Promise<Shared<T> | null>
}

export interface Shared<T> {
  readonly outcome: T | Dropped
  /** Whether the outcome is that of this callback's own attempt. */
  readonly isOwn: boolean
}

/** An attempt that stopped before it asked the provider for anything. It may have used up the flow. */
export class Dropped {
  /** Whether the attempt has used the flow up, so that the next one must not do it again. */
  readonly flowUsed: boolean

  constructor(flowUsed: boolean) {
    this.flowUsed = flowUsed
  }
}

/** How many callbacks may wait for one attempt. People and proxies send a few. */
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
