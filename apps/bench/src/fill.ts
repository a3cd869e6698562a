import { hash, randomBytes, randomUUID } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import type { Visitor } from './contenders/contender.ts'

// Fills Latchkey's existing tables with signed-in people. The rows go directly into the database, because
// signing in a million people would take an hour.

/** The visitors whose sessions are stored and used. */
export interface Filled {
  /** Each session belongs to a different user. */
  readonly inUse: readonly Visitor[]
  /** Sessions that have not been used for an hour, so that the server records their next use. */
  readonly away: readonly Visitor[]
  /** Sessions whose next use the server does not record during the run. */
  readonly fresh: readonly Visitor[]
}

export interface Amounts {
  /** The number of sessions in total. */
  readonly sessions: number
  readonly inUse: number
  readonly away: number
  readonly fresh: number
  /**
   * Spreads the times when the sessions `inUse` were last used evenly over this many milliseconds before now. With one
   * minute, the server records their next uses one after the other, as it does after running for a while. The default
   * is 0, which means that all of them were used just now.
   */
  readonly lastUsedWithin?: number
}

interface Row {
  readonly id: string
  readonly userId: string
  readonly lastUsedAt: number
}

interface Rows {
  readonly users: readonly { id: string; name: string; email: string }[]
  readonly sessions: readonly Row[]
  readonly filled: Filled
}

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
/** The secret of every session. Sessions are looked up by id. */
const TOKEN_SECRET = randomBytes(32).toString('base64url')
const SECRET_HASH = hash('sha256', TOKEN_SECRET, 'base64url')

export function fillSqlite(file: string, amounts: Amounts): Filled {
  const { users, sessions, filled } = makeRows(amounts)
  const now = Date.now()
  const database = new DatabaseSync(file)
  database.exec('begin immediate')
  const user = database.prepare(
    'insert into latchkey_users (id, name, email, email_verified, created_at) values (?, ?, ?, 1, ?)',
  )
  for (const { id, name, email } of users) user.run(id, name, email, now)
  const session = database.prepare(
    'insert into latchkey_sessions (id, user_id, secret_hash, created_at, authenticated_at, last_used_at, expires_at) values (?, ?, ?, ?, ?, ?, ?)',
  )
  for (const { id, userId, lastUsedAt } of sessions) {
    session.run(id, userId, SECRET_HASH, now - DAY, now - DAY, lastUsedAt, now + DAY)
  }
  database.exec('commit; analyze; pragma wal_checkpoint(truncate)')
  database.close()
  return filled
}

export async function fillPostgres(url: string, amounts: Amounts): Promise<Filled> {
  const { users, sessions, filled } = makeRows(amounts)
  const now = Date.now()
  const client = new pg.Client(url)
  await client.connect()
  await client.query(
    'insert into latchkey_users (id, name, email, email_verified, created_at) select id, name, email, 1, $4 from unnest($1::text[], $2::text[], $3::text[]) as row (id, name, email)',
    [users.map((row) => row.id), users.map((row) => row.name), users.map((row) => row.email), now],
  )
  for (let from = 0; from < sessions.length; from += 50_000) {
    const part = sessions.slice(from, from + 50_000)
    await client.query(
      'insert into latchkey_sessions (id, user_id, secret_hash, created_at, authenticated_at, last_used_at, expires_at) select id, user_id, $4, $5, $5, last_used_at, $6 from unnest($1::text[], $2::text[], $3::bigint[]) as row (id, user_id, last_used_at)',
      [
        part.map((row) => row.id),
        part.map((row) => row.userId),
        part.map((row) => row.lastUsedAt),
        SECRET_HASH,
        now - DAY,
        now + DAY,
      ],
    )
  }
  await client.query('vacuum analyze')
  await client.query('checkpoint')
  await client.end()
  return filled
}

function makeRows(amounts: Amounts): Rows {
  const { lastUsedWithin = 0 } = amounts
  const now = Date.now()
  const users = Array.from(
    { length: Math.max(amounts.inUse, Math.ceil(amounts.sessions / 10)) },
    (_, index) => ({
      id: randomUUID(),
      name: `Person ${index}`,
      email: `person-${index}@example.com`,
    }),
  )
  // The rows that are used are spread randomly across the table.
  const places = shuffled(amounts.sessions)
  const kinds = new Map<number, 'inUse' | 'away' | 'fresh'>()
  for (const kind of ['inUse', 'away', 'fresh'] as const) {
    for (const place of places.splice(-amounts[kind], amounts[kind])) kinds.set(place, kind)
  }
  const lastUsed = {
    inUse: now,
    away: now - 60 * MINUTE,
    // This looks as if a server whose clock is ahead had recorded it.
    fresh: now + 50 * MINUTE,
  }

  const filled = { inUse: [] as Visitor[], away: [] as Visitor[], fresh: [] as Visitor[] }
  const sessions: Row[] = []
  for (let place = 0; place < amounts.sessions; place++) {
    const kind = kinds.get(place)
    const id = randomBytes(16).toString('base64url')
    const number = kind === 'inUse' ? filled.inUse.length : place % users.length
    const person = users[number] as (typeof users)[number]
    const earlier = kind === 'inUse' ? Math.floor(spreadOut(number) * lastUsedWithin) : 0
    sessions.push({ id, userId: person.id, lastUsedAt: lastUsed[kind ?? 'away'] - earlier })
    if (kind === undefined) continue
    filled[kind].push({ person, header: `cookie: __Host-latchkey=${id}.${TOKEN_SECRET}` })
  }
  return {
    users,
    sessions,
    filled: { ...filled, away: mixed(filled.away), fresh: mixed(filled.fresh) },
  }
}

/**
 * Returns a number from 0 to 1 for each index. Any run of consecutive indexes is spread evenly over that range, and
 * neighbors are far apart, because the numbers are multiples of the golden ratio.
 */
function spreadOut(index: number): number {
  return (index * 0.6180339887498949) % 1
}

function mixed<T>(items: readonly T[]): T[] {
  return shuffled(items.length).map((index) => items[index] as T)
}

function shuffled(count: number): number[] {
  const numbers = Array.from({ length: count }, (_, index) => index)
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1))
    ;[numbers[last], numbers[other]] = [numbers[other] as number, numbers[last] as number]
  }
  return numbers
}
