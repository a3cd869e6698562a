import { reasonIn } from '../../record/record.ts'
import type { Statements } from '../sql.ts'
import type { SessionEndQueries } from '../store.ts'

/**
 * Ends sessions, and returns why they ended. The trigger that records the end of a session copies its reason
 * and actor.
 */
export function sessionEndQueries({ sql, recorded }: Statements): SessionEndQueries {
  const queries: SessionEndQueries = {
    async deleteSession(id, { reason, actor }) {
      recorded()
      await sql`update latchkey_sessions set end_reason = ${reason}, end_actor = ${actor} where id = ${id}`
      await sql`delete from latchkey_sessions where id = ${id}`
    },

    async deleteSessionsOf(userId, { reason, actor }, except = '') {
      recorded()
      await sql`update latchkey_sessions set end_reason = ${reason}, end_actor = ${actor}
        where user_id = ${userId} and id <> ${except}`
      await sql`delete from latchkey_sessions where user_id = ${userId} and id <> ${except}`
    },

    async deleteOldestSessionsOf(userId, keep, ending) {
      // SQLite requires a limit with an offset.
      const oldest = await sql<{ id: string }>`select id from latchkey_sessions
        where user_id = ${userId} order by created_at desc, id desc limit 1000 offset ${keep}`
      for (const { id } of oldest) await queries.deleteSession(id, ending)
    },

    async deleteAllSessions({ reason, actor }) {
      recorded()
      await sql`insert into latchkey_record (type, reason, actor)
        values ('everything', ${reason}, ${actor})`
      await sql`delete from latchkey_sessions`
    },

    async findEnds(sessionIds) {
      const rows = await sql<{
        session_id: string
        reason: string | null
      }>`select session_id, reason
        from latchkey_record where type = 'session-ended' and session_id = any(${sessionIds})`
      return new Map(rows.map(({ session_id, reason }) => [session_id, reasonIn(reason)]))
    },
  }
  return queries
}
