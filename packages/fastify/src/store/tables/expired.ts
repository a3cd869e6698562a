import type { Statements } from '../sql.ts'
import type { ExpiryQueries } from '../store.ts'

interface EndedRow {
  readonly id: string
  readonly user_id: string
}

/** Deletes expired rows. Skips rows that another process is deleting. */
export function expiryQueries({ sql, recorded }: Statements): ExpiryQueries {
  return {
    async deleteExpired(now, unusedSince, limit) {
      recorded()
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
