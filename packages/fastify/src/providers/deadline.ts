import { FlowError } from '../http/errors.ts'

/** One end for everything a callback asks of a provider, however many requests that takes. */
export interface Deadline {
  /** Milliseconds left, at least 1. */
  remaining(): number
  /** The promise, or a FlowError `provider_unavailable` once the deadline has passed. */
  cut<T>(promise: Promise<T>): Promise<T>
  /** Ends the timer. */
  done(): void
}

/** @param limit in milliseconds, from now */
export function startDeadline(limit: number): Deadline {
  const start = performance.now()
  const passed = Promise.withResolvers<never>()
  passed.promise.catch(() => {})
  const timer = setTimeout(() => {
    passed.reject(new FlowError('provider_unavailable', `no answer within ${limit} ms`))
  }, limit)

  return {
    remaining: () => Math.max(1, Math.ceil(start + limit - performance.now())),
    cut: (promise) => Promise.race([promise, passed.promise]),
    done: () => clearTimeout(timer),
  }
}

/** Runs `ask` with a deadline after half of the time that is left, so that its failure leaves time to go on. */
export async function withinHalf<T>(
  deadline: Pick<Deadline, 'remaining'>,
  ask: (half: Deadline) => Promise<T>,
): Promise<T> {
  const half = startDeadline(Math.ceil(deadline.remaining() / 2))
  try {
    return await half.cut(ask(half))
  } finally {
    half.done()
  }
}
