import type { Statements } from '../sql.ts'
import type { StoredUser, UserQueries } from '../store.ts'
import { type Decoded, isText, textOf, timeOf } from './columns.ts'
import { BEHIND_THE_LAST, type Place, readPage } from './pages.ts'

export interface UserRow {
  id: string
  name: unknown
  email: unknown
  email_verified: unknown
  avatar_url: unknown
  created_at: unknown
  banned_at: unknown
  roles: unknown
  pending: unknown
  name_edited: unknown
}

export function userQueries({ sql, recorded, report }: Statements): UserQueries {
  return {
    async findUser(id) {
      const [row] = await sql<UserRow>`select * from latchkey_users where id = ${id} for update`
      return row === undefined ? null : userIn(row, report)
    },

    listUsers(page) {
      const decode = (row: UserRow): StoredUser => userIn(row, report)
      return readPage(page, decode, (limit, after) => {
        return sql<UserRow & Place>`select * from latchkey_users
          where (created_at, id) < (${after.createdAt}, ${after.id})
            and created_at > ${BEHIND_THE_LAST}
          order by created_at desc, id desc limit ${limit}`
      })
    },

    async insertUser(user) {
      await sql`insert into latchkey_users
        (id, name, email, email_verified, avatar_url, created_at, banned_at, roles,
          pending, name_edited) values
        (${user.id}, ${user.name}, ${user.email}, ${user.emailVerified ? 1 : 0}, ${user.avatarUrl},
          ${user.createdAt}, ${user.bannedAt}, ${JSON.stringify(user.roles)},
          ${user.isPending ? 1 : 0}, ${user.isNameEdited ? 1 : 0})`
    },

    async updateUser(user) {
      recorded()
      await sql`update latchkey_users set
        name = ${user.name}, email = ${user.email}, email_verified = ${user.emailVerified ? 1 : 0},
        avatar_url = ${user.avatarUrl}, banned_at = ${user.bannedAt},
        roles = ${JSON.stringify(user.roles)},
        pending = ${user.isPending ? 1 : 0}, name_edited = ${user.isNameEdited ? 1 : 0}
        where id = ${user.id}`
    },

    async deleteUser(id, { reason, actor }) {
      recorded()
      // As everywhere else, lock the user before the sessions to avoid deadlocks.
      await sql`select 1 from latchkey_users where id = ${id} for update`
      await sql`update latchkey_sessions set end_reason = ${reason}, end_actor = ${actor}
        where user_id = ${id}`
      await sql`delete from latchkey_users where id = ${id}`
    },
  }
}

/** Returns the user in a row, and reports the row if it is incomplete. */
export function userIn(row: UserRow, report: Statements['report']): StoredUser {
  const { value, isWhole } = userOf(row)
  if (!isWhole) report('latchkey_users', row.id)
  return value
}

/** Always returns a user. Unreadable fields are left out, but an unreadable ban stays a ban. Unreadable roles grant nothing. */
function userOf(row: UserRow): Decoded<StoredUser> {
  const [createdAt, bannedAt] = [timeOf(row.created_at), timeOf(row.banned_at)]
  const isBanned = row.banned_at !== null
  const roles = rolesIn(row.roles)
  return {
    value: {
      id: row.id,
      name: textOf(row.name),
      email: textOf(row.email),
      emailVerified: row.email_verified === 1 && textOf(row.email) !== null,
      avatarUrl: textOf(row.avatar_url),
      createdAt: createdAt ?? 0,
      bannedAt: isBanned ? (bannedAt ?? 0) : null,
      roles: roles ?? NO_ROLES,
      isPending: row.pending === 1,
      isNameEdited: row.name_edited === 1,
    },
    isWhole:
      createdAt !== null &&
      (!isBanned || bannedAt !== null) &&
      roles !== null &&
      [row.name, row.email, row.avatar_url].every((value) => value === null || isText(value)),
  }
}

const NO_ROLES: readonly string[] = []

/** Returns the roles in a JSON array, or `null` if they are unreadable. */
function rolesIn(text: unknown): readonly string[] | null {
  // Most users have none.
  if (text === '[]') return NO_ROLES
  try {
    const roles: unknown = JSON.parse(String(text))
    return Array.isArray(roles) && roles.every(isText) ? roles : null
  } catch {
    return null
  }
}
