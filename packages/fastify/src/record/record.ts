// The record of changes, and the events. Start here to add a new kind of row, for example for an audit trail.
// This room promises that a change and its row are in one transaction, that a reader gets every change or
// detects that some are missing, and that a failing listener changes nothing.

import type { Change, EndReason } from '../store/store.ts'

/**
 * The record of changes: a table with a row for everything that invalidates an earlier result of
 * the store. It promises:
 *
 * - Triggers write it, in the transaction of the change. A row that is deleted by hand, or by a server with
 *   an older version, is recorded like any other.
 * - Each reader has its own cursor. It gets every row, regardless of the order in which transactions commit,
 *   or detects that it may have missed some.
 * - A row is kept for as long as a reader may need it (`RETENTION`), and not much longer.
 *
 * If the application knows why a session ended and who ended it, the row contains both. The store
 * writes them into the session before it deletes it, and the trigger copies them.
 */

/** The maximum time a reader can be away before it has to start over, in milliseconds. */
export const RETENTION: Readonly<Record<'cache', number>> = { cache: 10 * 60 * 1000 }

/** How long a row is kept if the readers' needs are unknown, in milliseconds. */
export const LONGEST_KEPT: number = 24 * 60 * 60 * 1000

/** The maximum number of rows that one sweep deletes. */
export const MOST_SWEPT = 10_000

/**
 * A reader that was away for longer than this, in milliseconds, starts over. Half of
 * `RETENTION.cache`.
 */
export const LONGEST_GAP: number = RETENTION.cache / 2

/** The maximum number of rows to process one by one. If there are more, assume that anything may have changed. */
export const MOST_ROWS = 10_000

/** A row as written by a trigger. */
export interface RecordRow {
  readonly id: number
  readonly type: string
  readonly session: string | null
  readonly user: string | null
  readonly reason: string | null
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

/** Returns the change that a row stands for. An unreadable row may stand for anything. */
function changeIn(row: unknown): Change {
  const { type, session, user, reason } = Object(row) as Record<keyof RecordRow, unknown>
  const hasSession = typeof session === 'string'
  const hasUser = typeof user === 'string'
  if (hasSession && hasUser && type === 'session-ended') {
    return { session, user, ended: reasonIn(reason) }
  }
  if (type === 'everything' && typeof reason === 'string') return { everyone: reasonIn(reason) }
  if (hasSession) return { session }
  if (hasUser) return { user }
  return 'everything'
}

/** Returns the reason, or `unknown` for one that only a newer version knows. */
export function reasonIn(reason: unknown): EndReason {
  return typeof reason === 'string' && Object.hasOwn(REASONS, reason)
    ? (reason as EndReason)
    : 'unknown'
}

/**
 * Returns the changes that the rows of one read stand for, in order, but with session ends first. Otherwise,
 * a change to a user would drop the user's sessions before their ends are reported. If all sessions were
 * ended, their reason applies to ends that have no reason of their own.
 */
export function changesIn(rows: readonly unknown[]): Change[] {
  const [ends, others]: [Change[], Change[]] = [[], []]
  let forEveryone: EndReason = 'unknown'
  for (const change of rows.map(changeIn)) {
    if (change !== 'everything' && 'ended' in change) ends.push(change)
    else others.push(change)
    if (change !== 'everything' && 'everyone' in change) forEveryone = change.everyone
  }
  const explained = ends.map((end): Change => {
    const isUnknown = end !== 'everything' && 'ended' in end && end.ended === 'unknown'
    return isUnknown ? { ...end, ended: forEveryone } : end
  })
  return [...explained, ...others]
}

/** Returns the change to report if it is uncertain whether the original change happened. */
export function perhaps(change: Change): Change {
  if (change === 'everything' || 'everyone' in change) return 'everything'
  return 'session' in change ? { session: change.session } : change
}
