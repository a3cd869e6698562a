import type { FastifyReply } from 'fastify'
import type { Settings } from '../settings.ts'
import type { StoredSession, StoreQueries } from '../store/store.ts'
import { newSecret, newSessionId } from './session-token.ts'

export interface SessionOwner {
  readonly userId: string
  readonly provider: string | null
  /** The name of the device, such as `Firefox on Linux`, or `null`. */
  readonly device: string | null
}

/**
 * Returns a session that begins now and is not stored yet, and the cookie value for it.
 */
export function newSession(
  { clock, session: { lifetime } }: Settings,
  { userId, provider, device }: SessionOwner,
): { session: StoredSession; token: string } {
  const now = clock()
  const id = newSessionId()
  const { secretHash, token } = newSecret(id)
  const session: StoredSession = {
    id,
    userId,
    provider,
    secretHash,
    device,
    createdAt: now,
    authenticatedAt: now,
    lastUsedAt: now,
    expiresAt: now + lifetime,
  }
  return { session, token }
}

/** Stores a session. If the user would have too many sessions, the oldest ones end. */
export async function insertSession(
  { session: { maxPerUser } }: Settings,
  queries: StoreQueries,
  session: StoredSession,
): Promise<void> {
  // Delete first: if this server's clock is behind, the new session could be the oldest.
  const ending = { reason: 'limit', actor: session.userId } as const
  await queries.deleteOldestSessionsOf(session.userId, maxPerUser - 1, ending)
  await queries.insertSession(session)
}

export function setSessionCookie(
  { clock, site }: Settings,
  reply: FastifyReply,
  { expiresAt }: Pick<StoredSession, 'expiresAt'>,
  token: string,
): void {
  const maxAge = Math.floor((expiresAt - clock()) / 1000)
  site.cookies.set(reply, site.cookies.session, token, maxAge)
}
