import type { Statements } from '../sql.ts'
import type { FlowQueries } from '../store.ts'

export function flowQueries({ sql }: Statements): FlowQueries {
  return {
    async useFlow(id, expiresAt) {
      const inserted = await sql`insert into latchkey_used_flows (id, expires_at)
        values (${id}, ${expiresAt}) on conflict (id) do nothing returning id`
      return inserted.length === 1
    },
  }
}
