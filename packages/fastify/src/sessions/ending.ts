import type { FastifyRequest } from 'fastify'
import { askStore } from '../http/errors.ts'
import type { LatchkeyEventSource, Settings } from '../settings.ts'
import type { StoreQueries } from '../store/store.ts'
import type { Auth } from './auth.ts'
import type { Sessions } from './session.ts'

/** The dependencies of the routes that people use to end their own sessions. */
export interface OwnEndings {
  readonly settings: Settings
  readonly sessions: Sessions
  readonly events: LatchkeyEventSource
}

/** Runs `work` in a transaction that survives a power loss, so that ended sessions stay ended. */
export function endLastingly<T>(
  { store }: Settings,
  request: FastifyRequest,
  work: (queries: StoreQueries) => Promise<T>,
): Promise<T> {
  return askStore(request.log, () => store.transaction('power-loss', work))
}

/**
 * Runs `work` in such a transaction if the request's session is still open. The check is inside the
 * transaction.
 * @returns `null`, with nothing done, if that session has ended
 */
export function endOnBehalf<T>(
  { settings, sessions }: OwnEndings,
  request: FastifyRequest,
  { user }: Auth,
  work: (queries: StoreQueries) => Promise<T>,
): Promise<T | null> {
  return endLastingly(settings, request, async (queries) => {
    // Lock the user before any session, so that two sessions that end each other do not deadlock.
    await queries.findUser(user.id)
    return (await sessions.readStored(request, queries)) === null ? null : work(queries)
  })
}
