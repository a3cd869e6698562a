import type { FastifyRequest } from 'fastify'
import { askStore } from '../http/errors.ts'
import type { FoundSession, StoreQueries } from '../store/store.ts'
import type { Opened } from './auth.ts'
import type { SessionEnds } from './session-ends.ts'
import { whyOver } from './session-life.ts'
import { isSecret, partsOf } from './session-token.ts'
import { type Judging, openedBy } from './session-verdict.ts'

/** The dependencies of `readSession`. */
export interface SessionReader extends Judging {
  readonly ends: SessionEnds
}

/**
 * Reads the session that a cookie's value belongs to from the store. Returns `null` if there is none.
 * @param queries The queries of a transaction. Their errors pass through unchanged, because they
 *   may make the transaction run again.
 * @throws UnavailableError outside of a transaction
 */
export async function readSession(
  reader: SessionReader,
  request: FastifyRequest,
  token: string,
  queries?: StoreQueries,
): Promise<Opened | null> {
  const parts = partsOf(token)
  if (parts === null) return refuse(request, 'malformed')
  const { id, secret } = parts
  const { settings, use, ends } = reader
  const found = await (queries === undefined
    ? askStore(request.log, () => find(settings.store, id))
    : find(queries, id))
  if (found === null) return refuse(request, 'unknown')
  if (!isSecret(secret, found.session.secretHash)) return refuse(request, 'wrong secret')
  const reason = whyOver(settings, found, use.lastUseOf(found.session))
  if (reason !== null) {
    if (reason !== 'from the future') {
      ends.report({ sessionId: id, userId: found.user.id, reason }, false)
    }
    return refuse(request, reason)
  }
  ends.disprove(id)
  return openedBy(reader, found)
}

/**
 * @throws an error if the store returns a session other than the requested one, or another user
 */
async function find(queries: StoreQueries, id: string): Promise<FoundSession | null> {
  const found = await queries.findSession(id)
  if (found === null) return null
  const { session, user } = found
  if (session.id === id && session.userId === user.id) return found
  throw new Error('The store returned a different session or user than requested.')
}

/** Logs why a cookie does not open a session. This is not an error: the user is simply signed out. */
function refuse(request: FastifyRequest, reason: string): null {
  // Session ids are not secret, but only this site issues them, so someone is guessing the secret.
  const level = reason === 'wrong secret' ? 'warn' : 'debug'
  request.log[level]({ event: 'session-refused', reason }, 'session cookie refused')
  return null
}
