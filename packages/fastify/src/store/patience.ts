import { setTimeout } from 'node:timers/promises'

/** How long to retry while another process interferes, in milliseconds. */
const PATIENCE = 5_000

/**
 * Retries while another process interferes. Does not block this process.
 * @throws any other error of the attempt, or the last error after five seconds
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
      // A random pause, so that processes do not retry at the same moment.
      await setTimeout(5 + Math.random() * 20)
    }
  }
}
