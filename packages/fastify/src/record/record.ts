// What has happened: the record of changes, and events. A new kind of row, such as one for an audit trail,
// begins here. This room promises: a change and its row are in one transaction, a reader of the record gets
// every change or learns that some are missing, and a listener that fails changes nothing.

import type { Change, EndReason } from '../store/store.ts'

/**
 * The record of changes: a table with a row for everything that makes an earlier answer of the store
 * untrue. It promises:
 *
 * - Triggers write it, in the transaction of the change. A row deleted by hand, or by a server of an
 *   older version, is recorded like any other.
 * - Each reader has a cursor of its own, and either gets every row, in whatever order transactions commit,
 *   or learns that it may have missed some.
 * - A row is kept for as long as a reader may need it (`RETENTION`), and hardly longer.
 *
 * Where the application knows why a session ended and who ended it, the row says so too: the store
 * writes both into the session before it deletes it, and the trigger copies them.
 */

/** How long each reader may be away before it has to start over, in milliseconds. */
export const RETENTION: Readonly<Record<'cache', number>> = { cache: 10 * 60 * 1000 }

/** How long a row is kept where nobody can tell what readers need, in milliseconds. */
export const LONGEST_KEPT: number = 24 * 60 * 60 * 1000

/** The most rows that one sweep deletes. */
export const MOST_SWEPT = 10_000

/** A reader that was away for longer than this, in milliseconds, starts over: half of `RETENTION.cache`. */
export const LONGEST_GAP: number = RETENTION.cache / 2

/** The most rows that are read one by one. Behind them anything may have changed. */
export const MOST_ROWS = 10_000

/** A row as a trigger wrote it. */
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

/** What a row means to those who remember sessions. What cannot be read may mean anything. */
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

/** A newer version may know more reasons. */
export function reasonIn(reason: unknown): EndReason {
  return typeof reason === 'string' && Object.hasOwn(REASONS, reason)
    ? (reason as EndReason)
    : 'unknown'
}

/**
 * What rows mean that were read together, in order, but ends first: what forgets a whole user would forget
 * whose session it was. Where everyone's sessions ended, those are the ends that have no reason of their own.
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

/** The same change, where it is uncertain whether it happened. */
export function perhaps(change: Change): Change {
  if (change === 'everything' || 'everyone' in change) return 'everything'
  return 'session' in change ? { session: change.session } : change
}
