/**
 * Returns a function that runs tasks one at a time, in order. The first task starts immediately.
 */
export function queue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<void> | undefined
  return async (work) => {
    const before = last
    const { promise: mine, resolve: end } = Promise.withResolvers<void>()
    last = mine
    try {
      if (before !== undefined) await before
      return await work()
    } finally {
      if (last === mine) last = undefined
      end()
    }
  }
}
