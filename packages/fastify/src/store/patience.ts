import { setTimeout } from 'node:timers/promises'

/** How long another process may be in the way, in milliseconds. */
const PATIENCE = 5_000

/**
 * Tries again while another process is in the way, without keeping this one from its other work.
 * @throws what the attempt threw, if it is something else, or after five seconds
 */
export async function patiently<T>(
  isBusy: (error: unknown) => boolean,
  attempt: () => Promise<T>,
): Promise<T> {
  const start = performance.now()
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!isBusy(error) || performance.now() - start > PATIENCE) throw error
      // Not at once and not all together.
      await setTimeout(5 + Math.random() * 20)
    }
  }
}
