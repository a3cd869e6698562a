import type { FastifyBaseLogger } from 'fastify'
import { askStore, LatchkeyError } from '../http/errors.ts'
import type { Ending, EndReason, Store, StoredUser, StoreQueries } from '../store/store.ts'

/** Runs `work` in a transaction that survives a power loss. */
export type Transact = <T>(work: (queries: StoreQueries) => Promise<T>) => Promise<T>

export function createTransact(store: Store, log: FastifyBaseLogger): Transact {
  return (work) => askStore(log, () => store.transaction('power-loss', work))
}

/** Returns the record for a session that was ended by the application rather than by a user. */
export function byApplication(reason: EndReason): Ending {
  return { reason, actor: null }
}

/** Returns the result of a query for a user. @throws LatchkeyError `LATCHKEY_UNKNOWN_USER` if it is `null` */
export function known(user: StoredUser | null): StoredUser {
  if (user !== null) return user
  throw new LatchkeyError('LATCHKEY_UNKNOWN_USER', 'No user has this id.')
}
