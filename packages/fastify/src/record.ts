import type { Change, EndReason } from './store.ts'

/**
 * The record of changes: a table with a row for everything that makes an earlier answer of the store
 * untrue. It promises:
 *
 * - Triggers write it, in the transaction of the change. A row deleted by hand, or by a server of an
 *   older version, is recorded like any other.
 * - Each reader has a cursor of its own and misses nothing, in whatever order transactions commit.
 * - A row is kept for as long as some reader may need it (`RETENTION`).
 *
 * Where the application knows why a session ended and who ended it, the row says so too: the store
 * writes both into the session before it deletes it, and the trigger copies them.
 */

/** How long each reader may be away before it has to start over, in milliseconds. */
export const RETENTION: Readonly<Record<'cache', number>> = { cache: 10 * 60 * 1000 }

/** A reader that was away for longer than this, in milliseconds, starts over: half of `RETENTION.cache`. */
export const LONGEST_GAP: number = RETENTION.cache / 2

/** The most rows that are read one by one. Behind them anything may have changed. */
export const MOST_ROWS = 10_000

/** A row as a trigger wrote it and a notification carries it. */
export interface RecordRow {
  readonly type: string
  readonly session?: string | null
  readonly user?: string | null
  readonly reason?: string | null
  /** The id of its transaction, where the database has such ids. */
  readonly xid?: string
}

const REASONS: Readonly<Record<EndReason, true>> = {
  'sign-out': true,
  revoked: true,
  replaced: true,
  expired: true,
  banned: true,
  deleted: true,
  limit: true,
  workspace: true,
  unknown: true,
}

/** What a row means to those who remember sessions. What cannot be read may mean anything. */
export function changeIn(row: unknown): Change {
  const { type, session, user, reason } = Object(row) as Record<keyof RecordRow, unknown>
  const hasSession = typeof session === 'string'
  const hasUser = typeof user === 'string'
  if (hasSession && hasUser && type === 'session-ended') {
    return { session, user, ended: reasonIn(reason) }
  }
  if (type === 'everything' && typeof reason === 'string') return { everyone: reasonIn(reason) }
  // Servers of the version before send no type.
  if (hasSession) return { session }
  if (hasUser) return { user }
  return 'everything'
}

/** A newer version may know more reasons. */
function reasonIn(reason: unknown): EndReason {
  return typeof reason === 'string' && Object.hasOwn(REASONS, reason)
    ? (reason as EndReason)
    : 'unknown'
}

/** The same change, where it is uncertain whether it happened. */
export function perhaps(change: Change): Change {
  if (change === 'everything' || 'everyone' in change) return 'everything'
  return 'session' in change ? { session: change.session } : change
}
