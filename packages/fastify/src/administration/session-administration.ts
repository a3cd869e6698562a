import type { ListedSession, Session } from '@latchkey/contract'
import type { FastifyBaseLogger } from 'fastify'
import { askStore } from '../http/errors.ts'
import { publicSession } from '../sessions/auth.ts'
import type { Sessions } from '../sessions/session.ts'
import type { Settings } from '../settings.ts'
import { cursorBehind, idOf, invalid, type PageOptions, pageOf } from './arguments.ts'
import { byApplication, createTransact, known } from './transaction.ts'

/** The methods of `app.latchkey.sessions`. */
export interface SessionAdministration {
  /**
   * Signs a user in without a browser, for your tests with `inject()`.
   *
   * @returns the session, and a `Cookie` header for it
   * @throws LatchkeyError `LATCHKEY_UNKNOWN_USER`, or `LATCHKEY_ARGUMENT_INVALID` if the user is banned
   *
   * @example
   * const user = await app.latchkey.users.create({ name: 'Test Person' })
   * const { cookie } = await app.latchkey.sessions.create(user.id)
   * const response = await app.inject({ url: '/api/me', headers: { cookie } })
   */
  create(userId: string): Promise<{ session: Session; cookie: string }>
  /**
   * Returns a page of a user's sessions, newest first. Expired sessions are filtered out after the page is
   * read. A page can therefore contain fewer sessions than `limit`, or none, and still have a `nextCursor`.
   *
   * @example
   * const { sessions, nextCursor } = await app.latchkey.sessions.list(userId, { limit: 20 })
   */
  list(
    userId: string,
    page?: PageOptions,
  ): Promise<{ sessions: ListedSession[]; nextCursor: string | null }>
  /**
   * Revokes a session. Revoking an unknown session is a no-op.
   *
   * @example
   * await app.latchkey.sessions.revoke(sessionId)
   */
  revoke(sessionId: string): Promise<void>
  /**
   * Revokes all sessions of a user.
   *
   * @example
   * await app.latchkey.sessions.revokeAll(userId)
   */
  revokeAll(userId: string): Promise<void>
  /**
   * Revokes all sessions of all users.
   *
   * @example
   * await app.latchkey.sessions.revokeEverything()
   */
  revokeEverything(): Promise<void>
}

export function administerSessions(
  { site, store }: Settings,
  sessions: Sessions,
  log: FastifyBaseLogger,
): SessionAdministration {
  const transact = createTransact(store, log)

  return {
    async create(userId) {
      const owner = { userId: idOf(userId), provider: null, device: null }
      const { session, token } = sessions.issue(owner)
      await askStore(log, () =>
        store.transaction('process', async (queries) => {
          const user = known(await queries.findUser(session.userId))
          if (user.bannedAt !== null)
            throw invalid('A banned user cannot have sessions. Call users.unban() first')
          await sessions.insert(queries, session)
        }),
      )
      return { session: publicSession(session), cookie: `${site.cookies.session}=${token}` }
    },

    async list(userId, options) {
      const [id, page] = [idOf(userId), pageOf(options)]
      const rows = await askStore(log, () => store.listSessions(id, page))
      const open = rows.filter(sessions.isOpen).map(sessions.listed)
      return { sessions: open, nextCursor: cursorBehind(rows, page) }
    },

    async revoke(sessionId) {
      const id = idOf(sessionId)
      await transact((queries) => queries.deleteSession(id, byApplication('revoked')))
      log.info({ event: 'session-revoked', sessionId }, 'session revoked')
    },

    async revokeAll(userId) {
      const id = idOf(userId)
      await transact(async (queries) => {
        // Every transaction locks the user before the sessions. A different order could cause a deadlock.
        await queries.findUser(id)
        await queries.deleteSessionsOf(id, byApplication('revoked'))
      })
      log.info({ event: 'sessions-revoked', userId }, 'sessions revoked')
    },

    async revokeEverything() {
      await transact((queries) => queries.deleteAllSessions(byApplication('revoked')))
      log.warn({ event: 'sessions-revoked' }, 'all sessions revoked')
    },
  }
}
