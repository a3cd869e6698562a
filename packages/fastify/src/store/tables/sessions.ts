import type { Statements } from '../sql.ts'
import type { FoundSession, SessionQueries, StoredSession } from '../store.ts'
import { isText, textOf, timeOf } from './columns.ts'
import { BEHIND_THE_LAST, type Place, readPage } from './pages.ts'
import { type UserRow, userIn } from './users.ts'

interface SessionRow {
  id: string
  user_id: string
  provider: unknown
  secret_hash: unknown
  device: unknown
  created_at: unknown
  authenticated_at: unknown
  last_used_at: unknown
  expires_at: unknown
}

/** A session and its user. */
type JoinedRow = SessionRow & Omit<UserRow, 'id' | 'created_at'> & { user_created_at: unknown }

/** Queries for open sessions. The queries that end them are in `session-ends.ts`. */
export function sessionQueries({ sql, recorded, report }: Statements): SessionQueries {
  return {
    async findSession(id) {
      // Name the columns: a newer version may add one with the same name as in the other table.
      const [row] = await sql<JoinedRow>`select
        s.id, s.user_id, s.provider, s.secret_hash, s.device, s.created_at, s.authenticated_at,
        s.last_used_at, s.expires_at,
        u.name, u.email, u.email_verified, u.avatar_url, u.created_at as user_created_at, u.banned_at,
        u.roles, u.pending, u.name_edited
        from latchkey_sessions as s join latchkey_users as u on u.id = s.user_id
        where s.id = ${id} for update`
      return row === undefined ? null : foundIn(row, report)
    },

    async findSessions(ids) {
      const rows = await sql<JoinedRow>`select
        s.id, s.user_id, s.provider, s.secret_hash, s.device, s.created_at, s.authenticated_at,
        s.last_used_at, s.expires_at,
        u.name, u.email, u.email_verified, u.avatar_url, u.created_at as user_created_at, u.banned_at,
        u.roles, u.pending, u.name_edited
        from latchkey_sessions as s join latchkey_users as u on u.id = s.user_id
        where s.id = any(${ids})`
      return rows.map((row) => foundIn(row, report)).filter((found) => found !== null)
    },

    listSessions(userId, page) {
      const decode = (row: SessionRow): StoredSession | null => sessionIn(row, report)
      return readPage(page, decode, (limit, after) => {
        return sql<SessionRow & Place>`select * from latchkey_sessions
          where user_id = ${userId} and (created_at, id) < (${after.createdAt}, ${after.id})
            and created_at > ${BEHIND_THE_LAST}
          order by created_at desc, id desc limit ${limit}`
      })
    },

    async insertSession(session) {
      await sql`insert into latchkey_sessions
        (id, user_id, provider, secret_hash, device, created_at, authenticated_at, last_used_at,
          expires_at) values
        (${session.id}, ${session.userId}, ${session.provider}, ${session.secretHash},
          ${session.device}, ${session.createdAt}, ${session.authenticatedAt},
          ${session.lastUsedAt}, ${session.expiresAt})`
    },

    async touchSessions(ids, lastUsedAt, recent) {
      // Using the same order everywhere avoids deadlocks. Skipping locked rows avoids waiting for another
      // server's write.
      const rows = await sql<{
        id: string
      }>`update latchkey_sessions set last_used_at = ${lastUsedAt}
        where id in (select id from latchkey_sessions where id = any(${ids})
          and not last_used_at between ${recent.from} and ${recent.to}
          order by id for update skip locked) returning id`
      return rows.map(({ id }) => id)
    },

    async rotateSession(id, secretHash) {
      recorded()
      await sql`update latchkey_sessions set secret_hash = ${secretHash} where id = ${id}`
    },
  }
}

function foundIn(row: JoinedRow, report: Statements['report']): FoundSession | null {
  const session = sessionIn(row, report)
  if (session === null) return null
  // Spreading the row would take as long as SQLite takes to find it.
  const user: UserRow = {
    id: row.user_id,
    name: row.name,
    email: row.email,
    email_verified: row.email_verified,
    avatar_url: row.avatar_url,
    created_at: row.user_created_at,
    banned_at: row.banned_at,
    roles: row.roles,
    pending: row.pending,
    name_edited: row.name_edited,
  }
  return { session, user: userIn(user, report) }
}

function sessionIn(row: SessionRow, report: Statements['report']): StoredSession | null {
  const session = sessionOf(row)
  if (session === null) report('latchkey_sessions', row.id)
  return session
}

/** Returns `null` for an unreadable session, because its end is unknown. */
function sessionOf(row: SessionRow): StoredSession | null {
  const createdAt = timeOf(row.created_at)
  const authenticatedAt = timeOf(row.authenticated_at)
  const lastUsedAt = timeOf(row.last_used_at)
  const expiresAt = timeOf(row.expires_at)
  const times = [createdAt, authenticatedAt, lastUsedAt, expiresAt]
  if (!isText(row.secret_hash) || times.includes(null)) return null
  return {
    id: row.id,
    userId: row.user_id,
    provider: textOf(row.provider),
    secretHash: row.secret_hash,
    device: textOf(row.device),
    createdAt: createdAt as number,
    authenticatedAt: authenticatedAt as number,
    // It is 0 if the first version of Latchkey created the session.
    lastUsedAt: Math.max(lastUsedAt as number, authenticatedAt as number),
    expiresAt: expiresAt as number,
  }
}
