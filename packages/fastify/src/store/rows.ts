import type { StoredIdentity, StoredSession, StoredUser } from './store.ts'

// Rows of the tables as the store's own values. A column may hold anything: SQLite keeps any type in any
// column, and people edit databases by hand. A row that cannot be read must not look like an outage,
// which would keep its person out for good.

export interface UserRow {
  id: string
  name: unknown
  email: unknown
  email_verified: unknown
  avatar_url: unknown
  created_at: unknown
  banned_at: unknown
}

export interface IdentityRow {
  id: string
  user_id: string
  provider: string
  subject: string
  attributes: unknown
  created_at: unknown
  last_used_at: unknown
}

export interface SessionRow {
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

/** What a row holds, and whether all of it could be read. */
export interface Decoded<T> {
  readonly value: T
  readonly isWhole: boolean
}

/** A user is never missing: what cannot be read is left out, and a ban stays one. */
export function userOf(row: UserRow): Decoded<StoredUser> {
  const [createdAt, bannedAt] = [timeOf(row.created_at), timeOf(row.banned_at)]
  const isBanned = row.banned_at !== null
  return {
    value: {
      id: row.id,
      name: textOf(row.name),
      email: textOf(row.email),
      emailVerified: row.email_verified === 1 && textOf(row.email) !== null,
      avatarUrl: textOf(row.avatar_url),
      createdAt: createdAt ?? 0,
      bannedAt: isBanned ? (bannedAt ?? 0) : null,
    },
    isWhole:
      createdAt !== null &&
      (!isBanned || bannedAt !== null) &&
      [row.name, row.email, row.avatar_url].every((value) => value === null || isText(value)),
  }
}

/** Nor is an identity: its attributes are for display, and the next sign-in writes them again. */
export function identityOf(row: IdentityRow): Decoded<StoredIdentity> {
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

/** Returns `null` for an unreadable session, because its end is unknown. */
export function sessionOf(row: SessionRow): StoredSession | null {
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
    // 0 where the first version signed the person in.
    lastUsedAt: Math.max(lastUsedAt as number, authenticatedAt as number),
    expiresAt: expiresAt as number,
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function textOf(value: unknown): string | null {
  return isText(value) ? value : null
}

/** Milliseconds, or `null` for what no number of JavaScript can hold. */
function timeOf(value: unknown): number | null {
  return Number.isSafeInteger(value) ? (value as number) : null
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
