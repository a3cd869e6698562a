import { setImmediate } from 'node:timers/promises'
import type { Store } from '../store.ts'

/** A store with somebody beside it who counts what sessions cost, and may hold an answer back. */
export interface ObservedStore extends Store {
  /** How often it was asked for a session by itself, not in a transaction. */
  reads: number
  /** How often the use of a session was noted. */
  notes: number
  /**
   * From now on what is asked for a session is answered late, with what was true in time.
   * @returns what ends that, and gives the answers that were held back
   */
  holdAnswers(): () => void
}

export function observed(store: Store): ObservedStore {
  let gate: Promise<void> | undefined
  const observing: ObservedStore = {
    ...store,
    reads: 0,
    notes: 0,
    async findSession(id) {
      observing.reads++
      const late = gate
      const answer = await store.findSession(id)
      await late
      return answer
    },
    async touchSession(id, lastUsedAt) {
      observing.notes++
      await store.touchSession(id, lastUsedAt)
    },
    holdAnswers() {
      const { promise, resolve } = Promise.withResolvers<void>()
      gate = promise
      return () => {
        gate = undefined
        resolve()
      }
    },
  }
  return observing
}

/** Until everything that needs no answer from outside has been done. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await setImmediate()
}
