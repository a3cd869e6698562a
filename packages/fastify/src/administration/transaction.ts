import type { FastifyBaseLogger } from 'fastify'
import { askStore, LatchkeyError } from '../http/errors.ts'
import type { Ending, EndReason, Store, StoredUser, StoreQueries } from '../store/store.ts'

/** Runs `work` in a transaction that survives a loss of power. */
export type Transact = <T>(work: (queries: StoreQueries) => Promise<T>) => Promise<T>

export function createTransact(store: Store, log: FastifyBaseLogger): Transact {
  return (work) => askStore(log, () => store.transaction('power-loss', work))
}

/** Returns why sessions end when the application, and no user, ends them. */
export function byApplication(reason: EndReason): Ending {
  return { reason, actor: null }
}

/** Returns the user that a query has found. @throws LatchkeyError `LATCHKEY_UNKNOWN_USER` if there is none */
export function known(user: StoredUser | null): StoredUser {
  if (user !== null) return user
  throw new LatchkeyError('LATCHKEY_UNKNOWN_USER', 'No user has this id.')
}
