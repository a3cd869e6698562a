import { setImmediate } from 'node:timers/promises'
import type { Store } from '../store/store.ts'

/** A store that counts the reads and writes of sessions, and can delay a read. */
export interface ObservedStore extends Store {
  /** How often a single session was read, outside of transactions. */
  reads: number
  /** How many uses of sessions were stored. */
  notes: number
  /**
   * Delays the result of the next read of a session. The result is read when it is requested.
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

/** Waits until everything is done that needs no response from outside of this process. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await setImmediate()
}
