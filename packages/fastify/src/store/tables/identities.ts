import type { Statements } from '../sql.ts'
import type { IdentityQueries, StoredIdentity } from '../store.ts'
import { type Decoded, isText, timeOf } from './columns.ts'

interface IdentityRow {
  id: string
  user_id: string
  provider: string
  subject: string
  attributes: unknown
  created_at: unknown
  last_used_at: unknown
}

export function identityQueries({ sql, report }: Statements): IdentityQueries {
  return {
    async findIdentity(provider, subject) {
      const [row] = await sql<IdentityRow>`select * from latchkey_identities
        where provider = ${provider} and subject = ${subject} for update`
      if (row === undefined) return null
      const { value, isWhole } = identityOf(row)
      if (!isWhole) report('latchkey_identities', row.id)
      return value
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
  }
}

/**
 * Always returns an identity, even if parts of the row are unreadable. Its attributes are only for display, and
 * the next sign-in rewrites them.
 */
function identityOf(row: IdentityRow): Decoded<StoredIdentity> {
  const [createdAt, lastUsedAt] = [timeOf(row.created_at), timeOf(row.last_used_at)]
  const attributes = attributesOf(row.attributes)
  return {
    value: {
      id: row.id,
      userId: row.user_id,
      provider: row.provider,
      subject: row.subject,
      attributes: attributes ?? {},
      createdAt: createdAt ?? 0,
      lastUsedAt: lastUsedAt ?? 0,
    },
    isWhole: attributes !== null && createdAt !== null && lastUsedAt !== null,
  }
}

function attributesOf(json: unknown): Record<string, string> | null {
  try {
    const value: unknown = JSON.parse(String(json))
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
    return Object.values(value).every(isText) ? (value as Record<string, string>) : null
  } catch {
    return null
  }
}
