import { FlowError } from '../../http/errors.ts'

/** One time limit for all requests that a callback sends to a provider. */
export interface Deadline {
  /** Milliseconds left, at least 1. */
  remaining(): number
  /**
   * Returns the promise, or rejects with a FlowError `provider_unavailable` once the deadline has
   * passed.
   */
  cut<T>(promise: Promise<T>): Promise<T>
  /** Clears the timer. */
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

/** Runs `ask` with half of the time that is left, so that a failure leaves time to continue. */
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
