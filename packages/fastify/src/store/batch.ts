/**
 * Batches reads: keys that are requested while reads are in progress share the next read. A key
 * never joins a read that was sent before the key was requested, because its result may be older
 * than what the caller knows.
 *
 * @param read Returns its results by key. If it fails, every key that was requested before it was sent fails
 *   too, so that with a database that hangs, no key has to wait for several reads.
 * @param limits The maximum number of concurrent reads, and the maximum number of keys in one read.
 */
export function inBatches<T>(
  read: (keys: readonly string[]) => Promise<ReadonlyMap<string, T>>,
  { reads, keys: most }: { reads: number; keys: number },
): (key: string) => Promise<T | null> {
  const waiting = new Map<string, Waiter<T>>()
  let inProgress = 0
  let asked = 0

  async function send(): Promise<void> {
    const batch = [...waiting].slice(0, most)
    for (const [key] of batch) waiting.delete(key)
    const newest = asked
    inProgress++
    try {
      const found = await read(batch.map(([key]) => key))
      for (const [key, { resolve }] of batch) resolve(found.get(key) ?? null)
    } catch (error) {
      for (const [, { reject }] of batch) reject(error)
      for (const [key, waiter] of waiting) {
        if (waiter.number > newest) break
        waiting.delete(key)
        waiter.reject(error)
      }
    } finally {
      inProgress--
      if (waiting.size > 0) send()
    }
  }

  return (key) => {
    const known = waiting.get(key)
    if (known !== undefined) return known.promise
    const waiter = { ...Promise.withResolvers<T | null>(), number: ++asked }
    waiting.set(key, waiter)
    if (inProgress < reads) send()
    return waiter.promise
  }
}

interface Waiter<T> extends PromiseWithResolvers<T | null> {
  /** Increases in the order in which keys were requested. */
  readonly number: number
}
