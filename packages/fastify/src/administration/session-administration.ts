import type { ListedSession, Session } from '@latchkey/contract'
import type { FastifyBaseLogger } from 'fastify'
import { askStore } from '../http/errors.ts'
import { publicSession } from '../sessions/auth.ts'
import type { Sessions } from '../sessions/session.ts'
import type { Settings } from '../settings.ts'
import { cursorBehind, idOf, invalid, type PageOptions, pageOf } from './arguments.ts'
import { byApplication, createTransact, known } from './transaction.ts'

/** What `app.latchkey.sessions` can do. */
export interface SessionAdministration {
  /**
   * Signs a user in without a browser: for the application's own tests with `inject()`.
   * @returns the session, and a `Cookie` header that opens it
   * @throws LatchkeyError `LATCHKEY_UNKNOWN_USER`; `LATCHKEY_ARGUMENT_INVALID` if the user is banned
   */
  create(userId: string): Promise<{ session: Session; cookie: string }>
  /**
   * Where a user is signed in, the newest first. Those that are over are left out of a part after it
   * was read, so that one may have fewer than `limit`, or none, and still not be the last.
   */
  list(
    userId: string,
    page?: PageOptions,
  ): Promise<{ sessions: ListedSession[]; nextCursor: string | null }>
  /** Ends a session, if there is such a one. */
  revoke(sessionId: string): Promise<void>
  /** Ends every session of a user. */
  revokeAll(userId: string): Promise<void>
  /** Ends every session of everybody. */
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
          if (user.bannedAt !== null) throw invalid('The user is banned, and has no sessions')
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
        // The user before the sessions, as everywhere, so that two transactions do not deadlock.
        await queries.findUser(id)
        await queries.deleteSessionsOf(id, byApplication('revoked'))
      })
      log.info({ event: 'sessions-revoked', userId }, 'sessions revoked')
    },

    async revokeEverything() {
      await transact((queries) => queries.deleteAllSessions(byApplication('revoked')))
      log.warn({ event: 'sessions-revoked' }, 'sessions of everybody revoked')
    },
  }
}
