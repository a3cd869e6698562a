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
