import { setImmediate } from 'node:timers/promises'
import type { Store } from '../store/store.ts'

/** A store with somebody beside it who counts what sessions cost, and can hold an answer back. */
export interface ObservedStore extends Store {
  /** How often it was asked for a session by itself, not in a transaction. */
  reads: number
  /** How often the use of a session was noted. */
  notes: number
  /**
   * Holds the next answer about a session back, which is what is true when it is asked for.
   * @returns what gives it
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

/** Until everything has been done that needs no answer from outside of this process. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await setImmediate()
}
