import { setImmediate } from 'node:timers/promises'
import type { Store } from '../store/store.ts'

/** A store that counts how often sessions are read and written, and can delay a read. */
export interface ObservedStore extends Store {
  /** How many times a single session was read outside of transactions. */
  reads: number
  /** How many times the last use of a session was stored. */
  notes: number
  /**
   * Delays the result of the next read of a session. The session is read when it is requested, but returned later.
   * @returns a function that releases it
   */
  holdNext(): () => void
}

export function observed(store: Store): ObservedStore {
  let held: Promise<void> | undefined
  const observing: ObservedStore = {
    ...store,
    reads: 0,
    notes: 0,
    async findSession(id) {
      observing.reads++
      const late = held
      held = undefined
      const answer = await store.findSession(id)
      await late
      return answer
    },
    async touchSessions(ids, lastUsedAt, recent) {
      observing.notes += ids.length
      return store.touchSessions(ids, lastUsedAt, recent)
    },
    holdNext() {
      const { promise, resolve } = Promise.withResolvers<void>()
      held = promise
      return resolve
    },
  }
  return observing
}

/** Waits until this process has done everything that it can do without a response from outside. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await setImmediate()
}
