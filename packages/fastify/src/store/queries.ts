import { reasonIn } from '../record/record.ts'
import {
  type Decoded,
  type IdentityRow,
  identityOf,
  type SessionRow,
  sessionOf,
  type UserRow,
  userOf,
} from './rows.ts'
import type { Sql } from './sql.ts'
import type {
  Ending,
  FoundSession,
  Page,
  StoredSession,
  StoredUser,
  StoreQueries,
} from './store.ts'

/** Sorts before every row, in a list that goes from the newest to the oldest. */
const BEFORE_THE_FIRST = { createdAt: Number.MAX_SAFE_INTEGER, id: '' }
/** Sorts after every row with a readable time. */
const BEHIND_THE_LAST: number = Number.MIN_SAFE_INTEGER

export interface Statements {
  readonly sql: Sql
  /** Called where the record gets a row. */
  readonly recorded: () => void
  /** Called for a row that cannot be read. */
  readonly report: (table: string, id: string) => void
}

/** The queries of a store, as statements that every driver understands. */
export function queriesBy({ sql, recorded, report }: Statements): StoreQueries {
  function whole<T>(table: string, id: string, { value, isWhole }: Decoded<T>): T {
    if (!isWhole) report(table, id)
    return value
  }

  function userIn(row: UserRow): StoredUser {
    return whole('latchkey_users', row.id, userOf(row))
  }

  function sessionIn(row: SessionRow): StoredSession | null {
    const session = sessionOf(row)
    if (session === null) report('latchkey_sessions', row.id)
    return session
  }

  function foundIn(row: JoinedRow): FoundSession | null {
    const session = sessionIn({ ...row, created_at: row.session_created_at })
    return session && { session, user: userIn({ ...row, id: row.user_id }) }
  }

  async function deleteSession(id: string, { reason, actor }: Ending): Promise<void> {
    recorded()
    // The trigger that records the end copies why.
    await sql`update latchkey_sessions set end_reason = ${reason}, end_actor = ${actor} where id = ${id}`
    await sql`delete from latchkey_sessions where id = ${id}`
  }

  return {
    deleteSession,

    async findUser(id) {
      const [row] = await sql<UserRow>`select * from latchkey_users where id = ${id} for update`
      return row === undefined ? null : userIn(row)
    },

    listUsers(page) {
      return readPage(page, userIn, (limit, after) => {
        return sql<UserRow & Place>`select * from latchkey_users
          where (created_at, id) < (${after.createdAt}, ${after.id})
            and created_at > ${BEHIND_THE_LAST}
          order by created_at desc, id desc limit ${limit}`
      })
    },

    async insertUser(user) {
      await sql`insert into latchkey_users
        (id, name, email, email_verified, avatar_url, created_at, banned_at) values
        (${user.id}, ${user.name}, ${user.email}, ${user.emailVerified ? 1 : 0}, ${user.avatarUrl},
          ${user.createdAt}, ${user.bannedAt})`
    },

    async updateUser(user) {
      recorded()
      await sql`update latchkey_users set
        name = ${user.name}, email = ${user.email}, email_verified = ${user.emailVerified ? 1 : 0},
        avatar_url = ${user.avatarUrl}, banned_at = ${user.bannedAt} where id = ${user.id}`
    },

    async deleteUser(id, { reason, actor }) {
      recorded()
      // The user before the sessions, as everywhere, so that two transactions do not deadlock.
      await sql`select 1 from latchkey_users where id = ${id} for update`
      await sql`update latchkey_sessions set end_reason = ${reason}, end_actor = ${actor}
        where user_id = ${id}`
      await sql`delete from latchkey_users where id = ${id}`
    },

    async findIdentity(provider, subject) {
      const [row] = await sql<IdentityRow>`select * from latchkey_identities
        where provider = ${provider} and subject = ${subject} for update`
      return row === undefined ? null : whole('latchkey_identities', row.id, identityOf(row))
    },

    async insertIdentity(identity) {
      const inserted = await sql`insert into latchkey_identities
        (id, user_id, provider, subject, attributes, created_at, last_used_at) values
        (${identity.id}, ${identity.userId}, ${identity.provider}, ${identity.subject},
          ${JSON.stringify(identity.attributes)}, ${identity.createdAt}, ${identity.lastUsedAt})
        on conflict (provider, subject) do nothing returning id`
      return inserted.length === 1
    },

    async updateIdentity({ id, attributes, lastUsedAt }) {
      await sql`update latchkey_identities set
        attributes = ${JSON.stringify(attributes)}, last_used_at = ${lastUsedAt} where id = ${id}`
    },

    async findSession(id) {
      // By name, since a newer version may have added columns that are called like another table's.
      const [row] = await sql<JoinedRow>`select
        s.id, s.user_id, s.provider, s.secret_hash, s.device, s.created_at as session_created_at,
        s.authenticated_at, s.last_used_at, s.expires_at,
        u.name, u.email, u.email_verified, u.avatar_url, u.created_at, u.banned_at
        from latchkey_sessions as s join latchkey_users as u on u.id = s.user_id
        where s.id = ${id} for update`
      return row === undefined ? null : foundIn(row)
    },

    async findSessions(ids) {
      const rows = await sql<JoinedRow>`select
        s.id, s.user_id, s.provider, s.secret_hash, s.device, s.created_at as session_created_at,
        s.authenticated_at, s.last_used_at, s.expires_at,
        u.name, u.email, u.email_verified, u.avatar_url, u.created_at, u.banned_at
        from latchkey_sessions as s join latchkey_users as u on u.id = s.user_id
        where s.id = any(${ids})`
      return rows.map(foundIn).filter((found) => found !== null)
    },

    async findEnds(sessionIds) {
      const rows = await sql<{
        session_id: string
        reason: string | null
      }>`select session_id, reason
        from latchkey_record where type = 'session-ended' and session_id = any(${sessionIds})`
      return new Map(rows.map(({ session_id, reason }) => [session_id, reasonIn(reason)]))
    },

    listSessions(userId, page) {
      return readPage(page, sessionIn, (limit, after) => {
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
      // In one order everywhere, and past what another server is about to write: no deadlock, no wait.
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

    async deleteSessionsOf(userId, { reason, actor }, except = '') {
      recorded()
      await sql`update latchkey_sessions set end_reason = ${reason}, end_actor = ${actor}
        where user_id = ${userId} and id <> ${except}`
      await sql`delete from latchkey_sessions where user_id = ${userId} and id <> ${except}`
    },

    async deleteOldestSessionsOf(userId, keep, ending) {
      // SQLite knows no offset without a limit.
      const oldest = await sql<{ id: string }>`select id from latchkey_sessions
        where user_id = ${userId} order by created_at desc, id desc limit 1000 offset ${keep}`
      for (const { id } of oldest) await deleteSession(id, ending)
    },

    async deleteAllSessions({ reason, actor }) {
      recorded()
      await sql`insert into latchkey_record (type, reason, actor)
        values ('everything', ${reason}, ${actor})`
      await sql`delete from latchkey_sessions`
    },

    async useFlow(id, expiresAt) {
      const inserted = await sql`insert into latchkey_used_flows (id, expires_at)
        values (${id}, ${expiresAt}) on conflict (id) do nothing returning id`
      return inserted.length === 1
    },

    async deleteExpired(now, unusedSince, limit) {
      recorded()
      // What another process clears away already is left to it.
      const flows = await sql`delete from latchkey_used_flows where id in
        (select id from latchkey_used_flows where expires_at < ${now} limit ${limit}
          for update skip locked) returning id`
      const expired = await sql<EndedRow>`delete from latchkey_sessions where id in
        (select id from latchkey_sessions where expires_at < ${now} limit ${limit}
          for update skip locked) returning id, user_id`
      const unused = await sql<EndedRow>`delete from latchkey_sessions where id in
        (select id from latchkey_sessions
          where last_used_at < ${unusedSince} and authenticated_at < ${unusedSince} limit ${limit}
          for update skip locked) returning id, user_id`
      return {
        sessions: [...expired, ...unused].map((row) => ({ id: row.id, userId: row.user_id })),
        more: [flows, expired, unused].some((rows) => rows.length >= limit),
      }
    },
  }
}

type JoinedRow = SessionRow & UserRow & { readonly session_created_at: unknown }

interface EndedRow {
  readonly id: string
  readonly user_id: string
}

/** Where a row stands in a list. */
interface Place {
  readonly id: string
  readonly created_at: number
}

/** Reads on until the page is full, since a row that cannot be read does not count. */
async function readPage<Row extends Omit<Place, 'created_at'> & { created_at: unknown }, T>(
  { limit, after = BEFORE_THE_FIRST }: Page,
  decode: (row: Row) => T | null,
  read: (limit: number, after: NonNullable<Page['after']>) => Promise<(Row & Place)[]>,
): Promise<T[]> {
  const found: T[] = []
  let last = after
  for (;;) {
    const missing = limit - found.length
    const rows = await read(missing, last)
    found.push(...rows.map(decode).filter((value) => value !== null))
    const end = rows.at(-1)
    if (end === undefined || rows.length < missing || found.length === limit) return found
    last = { id: end.id, createdAt: end.created_at }
  }
}
