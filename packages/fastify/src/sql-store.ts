import { LatchkeyError } from './errors.ts'
import { isMigrated, migrate } from './migrations.ts'
import { patiently } from './patience.ts'
import {
  type Change,
  ConflictError,
  type Durability,
  type Store,
  type StoredIdentity,
  type StoredSession,
  type StoredUser,
  type StoreQueries,
} from './store.ts'

// The store over SQL, written once for every database that understands these statements: it promises what
// `store.ts` asks of a store. A driver (`SqlDriver`) brings a database, and keeps those of the promises that
// each database keeps in its own way.

/**
 * Runs a statement, and gives its rows: sql`select name from latchkey_users where id = ${id}`. What stands
 * in `${}` is sent beside the statement, and is never a part of it.
 *
 * A statement is written as PostgreSQL has it. `for update` keeps the rows that were read as they are until
 * the transaction ends; a driver leaves it out of statements by themselves, and where nobody else can write.
 */
export type Sql = <Row = unknown>(
  statement: TemplateStringsArray,
  ...values: readonly Value[]
) => Promise<Row[]>

export type Value = string | number | null

/**
 * A database: how statements are run, and how it keeps commits that last, transactions that do not disturb
 * each other, and news of what others have changed.
 */
export interface SqlDriver {
  /** Whether no table of ours is there yet. */
  isEmpty(): Promise<boolean>
  /** Runs a statement by itself. */
  readonly sql: Sql
  /** Runs `work` in a transaction whose commit survives what `durability` says. */
  transaction<T>(durability: Durability, work: (sql: Sql) => Promise<T>): Promise<T>
  /** Runs `work` in a transaction that may take its time, while no other process does the same. */
  exclusive(work: (sql: Sql) => Promise<void>): Promise<void>
  /** Whether another process was in the way, so that the same may work a moment later. */
  isBusy(error: unknown): boolean
  /** Tells other processes of what a transaction changes, once it is committed and only then. */
  announce?(sql: Sql, changes: readonly Change[]): Promise<void>
  /** See `Watch`. */
  isCurrent(): boolean
  readonly maxAge: number
  close(): Promise<void>
}

interface UserRow {
  id: string
  name: string | null
  email: string | null
  email_verified: number
  avatar_url: string | null
  created_at: number
  banned_at: number | null
}

interface IdentityRow {
  id: string
  user_id: string
  provider: string
  subject: string
  attributes: string
  created_at: number
  last_used_at: number
}

interface SessionRow {
  id: string
  user_id: string
  provider: string | null
  secret_hash: string
  device: string | null
  created_at: number
  authenticated_at: number
  last_used_at: number
  expires_at: number
}

/** Whom a driver tells; see `Store.watch`. */
export interface Watcher {
  forget(change: Change): void
  warn(message: string): void
}

/** @param connect Makes the driver; called by `open()`, so that a store costs nothing until it is used. */
export function sqlStore(connect: (watchers: Watcher) => Promise<SqlDriver>): Store {
  let opening: Promise<SqlDriver> | undefined
  let open: SqlDriver | undefined
  /** Two applications in one process may share a store: the last one closes it. */
  let users = 0
  const watchers = new Set<Watcher>()

  function tell(change: Change): void {
    for (const watcher of watchers) watcher.forget(change)
  }

  function warn(message: string): void {
    for (const watcher of watchers) watcher.warn(message)
  }

  async function start(): Promise<SqlDriver> {
    const driver = await connect({ forget: tell, warn })
    try {
      await patiently(driver.isBusy, async () => {
        const isReady = !(await driver.isEmpty()) && (await isMigrated(driver.sql))
        if (!isReady) await driver.exclusive(migrate)
      })
      return driver
    } catch (error) {
      await driver.close()
      throw error instanceof LatchkeyError ? error : unusable(error, driver)
    }
  }

  function opened(): Promise<SqlDriver> {
    if (opening === undefined) throw new Error('The store is not open.')
    return opening
  }

  async function transaction<T>(
    durability: Durability,
    work: (queries: StoreQueries) => Promise<T>,
  ): Promise<T> {
    const driver = await opened()
    const isInTheWay = (error: unknown): boolean =>
      driver.isBusy(error) || error instanceof ConflictError
    return patiently(isInTheWay, async () => {
      const changes: Change[] = []
      try {
        return await driver.transaction(durability, async (sql) => {
          const result = await work(queriesBy(sql, changes))
          if (changes.length > 0) await driver.announce?.(sql, changes)
          return result
        })
      } finally {
        // Also if it failed: a commit may have happened without our hearing of it.
        for (const change of changes) tell(change)
      }
    })
  }

  /** A query by itself, which makes nothing untrue that was read before. */
  const alone = <A extends unknown[], T>(
    query: (queries: StoreQueries) => (...parameters: A) => Promise<T>,
  ) => {
    return async (...parameters: A): Promise<T> => {
      const driver = await opened()
      const queries = queriesBy(driver.sql, [])
      return patiently(driver.isBusy, () => query(queries)(...parameters))
    }
  }

  /** One that does. */
  const changing = <A extends unknown[], T>(
    query: (queries: StoreQueries) => (...parameters: A) => Promise<T>,
  ) => {
    return (...parameters: A): Promise<T> =>
      transaction('power-loss', (queries) => query(queries)(...parameters))
  }

  return {
    async open() {
      users++
      opening ??= start()
      const mine = opening
      try {
        const made = await mine
        // Unless the last user has gone meanwhile.
        if (opening === mine) open = made
      } catch (error) {
        users--
        if (opening === mine) opening = undefined
        throw error
      }
    },

    async close() {
      users = Math.max(0, users - 1)
      if (users > 0) return
      const last = opening
      opening = undefined
      open = undefined
      tell('everything')
      const driver = await last
      await driver?.close()
    },

    watch(forget, warn) {
      const watcher = { forget, warn }
      watchers.add(watcher)
      return {
        isCurrent: () => open?.isCurrent() ?? false,
        get maxAge() {
          return open?.maxAge ?? 0
        },
        stop: () => watchers.delete(watcher),
      }
    },

    transaction,

    findUser: alone((queries) => queries.findUser),
    listUsers: alone((queries) => queries.listUsers),
    insertUser: alone((queries) => queries.insertUser),
    updateUser: changing((queries) => queries.updateUser),
    deleteUser: changing((queries) => queries.deleteUser),
    findIdentity: alone((queries) => queries.findIdentity),
    insertIdentity: alone((queries) => queries.insertIdentity),
    updateIdentity: alone((queries) => queries.updateIdentity),
    findSession: alone((queries) => queries.findSession),
    listSessions: alone((queries) => queries.listSessions),
    insertSession: alone((queries) => queries.insertSession),
    touchSession: alone((queries) => queries.touchSession),
    rotateSession: changing((queries) => queries.rotateSession),
    deleteSession: changing((queries) => queries.deleteSession),
    deleteSessionsOf: changing((queries) => queries.deleteSessionsOf),
    deleteOldestSessionsOf: changing((queries) => queries.deleteOldestSessionsOf),
    deleteAllSessions: changing((queries) => queries.deleteAllSessions),
    useFlow: alone((queries) => queries.useFlow),
    deleteExpired: alone((queries) => queries.deleteExpired),
  }
}

function unusable(error: unknown, driver: SqlDriver): LatchkeyError {
  const reason = error instanceof Error ? error.message : String(error)
  const cure = driver.isBusy(error)
    ? 'Another process holds it. Try again once it is done.'
    : 'Check that it is a database of its own, and that this process may write to it.'
  return new LatchkeyError(
    'LATCHKEY_STORE_UNUSABLE',
    `The tables of the store cannot be made ready: ${reason}. ${cure}`,
  )
}

/** What every row comes after, in a list that goes from the newest to the oldest. */
const BEFORE_THE_FIRST = { createdAt: Number.MAX_SAFE_INTEGER, id: '' }

/** @param changes Where to write down what is no longer true once these queries are committed. */
function queriesBy(sql: Sql, changes: Change[]): StoreQueries {
  return {
    async findUser(id) {
      const [row] = await sql<UserRow>`select * from latchkey_users where id = ${id} for update`
      return row === undefined ? null : userOf(row)
    },

    async listUsers({ limit, after = BEFORE_THE_FIRST }) {
      const rows = await sql<UserRow>`select * from latchkey_users
        where (created_at, id) < (${after.createdAt}, ${after.id})
        order by created_at desc, id desc limit ${limit}`
      return rows.map(userOf)
    },

    async insertUser(user) {
      await sql`insert into latchkey_users
        (id, name, email, email_verified, avatar_url, created_at, banned_at) values
        (${user.id}, ${user.name}, ${user.email}, ${user.emailVerified ? 1 : 0}, ${user.avatarUrl},
          ${user.createdAt}, ${user.bannedAt})`
    },

    async updateUser(user) {
      changes.push({ user: user.id })
      await sql`update latchkey_users set
        name = ${user.name}, email = ${user.email}, email_verified = ${user.emailVerified ? 1 : 0},
        avatar_url = ${user.avatarUrl}, banned_at = ${user.bannedAt} where id = ${user.id}`
    },

    async deleteUser(id) {
      changes.push({ user: id })
      await sql`delete from latchkey_users where id = ${id}`
    },

    async findIdentity(provider, subject) {
      const [row] = await sql<IdentityRow>`select * from latchkey_identities
        where provider = ${provider} and subject = ${subject} for update`
      return row === undefined ? null : identityOf(row)
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

    async findSession(id) {
      // By name, since a newer version may have added columns that are called like another table's.
      const [row] = await sql<SessionRow & UserRow & { session_created_at: number }>`select
        s.user_id, s.provider, s.secret_hash, s.device, s.created_at as session_created_at,
        s.authenticated_at, s.last_used_at, s.expires_at,
        u.name, u.email, u.email_verified, u.avatar_url, u.created_at, u.banned_at
        from latchkey_sessions as s join latchkey_users as u on u.id = s.user_id
        where s.id = ${id} for update`
      if (row === undefined) return null
      const session = sessionOf({ ...row, id, created_at: row.session_created_at })
      return { session, user: userOf({ ...row, id: row.user_id }) }
    },

    async listSessions(userId, { limit, after = BEFORE_THE_FIRST }) {
      const rows = await sql<SessionRow>`select * from latchkey_sessions
        where user_id = ${userId} and (created_at, id) < (${after.createdAt}, ${after.id})
        order by created_at desc, id desc limit ${limit}`
      return rows.map(sessionOf)
    },

    async insertSession(session) {
      await sql`insert into latchkey_sessions
        (id, user_id, provider, secret_hash, device, created_at, authenticated_at, last_used_at,
          expires_at) values
        (${session.id}, ${session.userId}, ${session.provider}, ${session.secretHash},
          ${session.device}, ${session.createdAt}, ${session.authenticatedAt},
          ${session.lastUsedAt}, ${session.expiresAt})`
    },

    async touchSession(id, lastUsedAt) {
      await sql`update latchkey_sessions set last_used_at = ${lastUsedAt} where id = ${id}`
    },

    async rotateSession(id, secretHash) {
      changes.push({ session: id })
      await sql`update latchkey_sessions set secret_hash = ${secretHash} where id = ${id}`
    },

    async deleteSession(id) {
      changes.push({ session: id })
      await sql`delete from latchkey_sessions where id = ${id}`
    },

    async deleteSessionsOf(userId, except = '') {
      changes.push({ user: userId })
      await sql`delete from latchkey_sessions where user_id = ${userId} and id <> ${except}`
    },

    async deleteOldestSessionsOf(userId, keep) {
      // SQLite knows no offset without a limit.
      const oldest = await sql<{ id: string }>`select id from latchkey_sessions
        where user_id = ${userId} order by created_at desc, id desc limit 1000 offset ${keep}`
      for (const { id } of oldest) {
        changes.push({ session: id })
        await sql`delete from latchkey_sessions where id = ${id}`
      }
    },

    async deleteAllSessions() {
      changes.push('everything')
      await sql`delete from latchkey_sessions`
    },

    async useFlow(id, expiresAt) {
      const inserted = await sql`insert into latchkey_used_flows (id, expires_at)
        values (${id}, ${expiresAt}) on conflict (id) do nothing returning id`
      return inserted.length === 1
    },

    async deleteExpired(now, unusedSince, limit) {
      // What another process clears away already is left to it.
      const deleted = [
        await sql`delete from latchkey_used_flows where id in (select id from latchkey_used_flows
          where expires_at < ${now} limit ${limit} for update skip locked) returning id`,
        await sql`delete from latchkey_sessions where id in (select id from latchkey_sessions
          where expires_at < ${now} limit ${limit} for update skip locked) returning id`,
        await sql`delete from latchkey_sessions where id in (select id from latchkey_sessions
          where last_used_at < ${unusedSince} and authenticated_at < ${unusedSince}
          limit ${limit} for update skip locked) returning id`,
      ]
      return deleted.some((rows) => rows.length >= limit)
    },
  }
}

function userOf(row: UserRow): StoredUser {
  return {
    id: row.id,
    name: row.name,
    email: row.email,
    emailVerified: row.email_verified === 1,
    avatarUrl: row.avatar_url,
    createdAt: row.created_at,
    bannedAt: row.banned_at,
  }
}

function identityOf(row: IdentityRow): StoredIdentity {
  return {
    id: row.id,
    userId: row.user_id,
    provider: row.provider,
    subject: row.subject,
    attributes: JSON.parse(row.attributes) as Record<string, string>,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
  }
}

function sessionOf(row: SessionRow): StoredSession {
  return {
    id: row.id,
    userId: row.user_id,
    provider: row.provider,
    secretHash: row.secret_hash,
    device: row.device,
    createdAt: row.created_at,
    authenticatedAt: row.authenticated_at,
    // 0 where the version before this one signed the person in.
    lastUsedAt: Math.max(row.last_used_at, row.authenticated_at),
    expiresAt: row.expires_at,
  }
}
