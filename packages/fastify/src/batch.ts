/**
 * Turns many reads of one thing into few reads of many. Keys that are asked for while reads are under
 * way wait for the next one together. A key never joins a read that was sent before it was asked for,
 * whose answer may be older than what the caller knows.
 *
 * @param read Returns what it finds, by key.
 * @param limits The most reads under way at a time, and the most keys of one.
 */
export function inBatches<T>(
  read: (keys: readonly string[]) => Promise<ReadonlyMap<string, T>>,
  { reads, keys: most }: { reads: number; keys: number },
): (key: string) => Promise<T | null> {
  const waiting = new Map<string, PromiseWithResolvers<T | null>>()
  let underWay = 0

  async function send(): Promise<void> {
    const batch = [...waiting].slice(0, most)
    for (const [key] of batch) waiting.delete(key)
    underWay++
    try {
      const found = await read(batch.map(([key]) => key))
      for (const [key, { resolve }] of batch) resolve(found.get(key) ?? null)
    } catch (error) {
      for (const [, { reject }] of batch) reject(error)
    } finally {
      underWay--
      if (waiting.size > 0) send()
    }
  }

  return (key) => {
    const asked = waiting.get(key) ?? Promise.withResolvers<T | null>()
    waiting.set(key, asked)
    if (underWay < reads) send()
    return asked.promise
  }
}
