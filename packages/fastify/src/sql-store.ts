import { type Dialect, Kysely, type RawBuilder, sql, type Transaction } from 'kysely'
import { Migrator } from 'kysely/migration'
import { LatchkeyError } from './errors.ts'
import { migrations } from './migrations.ts'
import { patiently } from './patience.ts'
import {
  type Change,
  ConflictError,
  type Durability,
  type Page,
  type Store,
  type StoredIdentity,
  type StoredSession,
  type StoredUser,
  type StoreQueries,
} from './store.ts'

/**
 * The store over SQL, written once for every database that Kysely speaks. It promises what `store.ts`
 * asks of a store; a driver brings the dialect and says how this database keeps three of those promises:
 * commits that last, transactions that do not disturb each other, and news of what others have changed.
 */
export interface SqlDriver {
  readonly dialect: Dialect
  /** Another one for making the tables, which may take longer than a request may. Default `dialect`. */
  readonly migrationDialect?: Dialect
  /** The schema that the tables lie in, where a database has several. */
  readonly schema?: string
  /** Waits for its turn to make the tables, in the transaction that will, if beginning it does not. */
  awaitTurn?(transaction: Transaction<Tables>): Promise<void>
  /** Whether another process was in the way, so that the same may work a moment later. */
  isBusy(error: unknown): boolean
  /**
   * Whether transactions run beside each other, so that rows have to be locked by those that read them.
   */
  readonly locksRows: boolean
  /** Runs `work` in a transaction whose commit survives what `durability` says. */
  transaction<T>(
    db: Kysely<Tables>,
    durability: Durability,
    work: (transaction: Transaction<Tables>) => Promise<T>,
  ): Promise<T>
  /** Tells other processes of what a transaction changes, once it is committed and only then. */
  announce?(transaction: Transaction<Tables>, changes: readonly Change[]): Promise<void>
  /** See `Watch`. */
  isCurrent(): boolean
  readonly maxAge: number
  /** Ends what the driver does beside the dialect. */
  close?(): Promise<void>
}

export interface Tables {
  latchkey_users: {
    id: string
    name: string | null
    email: string | null
    email_verified: number
    avatar_url: string | null
    created_at: number
    banned_at: number | null
  }
  latchkey_identities: {
    id: string
    user_id: string
    provider: string
    subject: string
    attributes: string
    created_at: number
    last_used_at: number
  }
  latchkey_sessions: {
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
  latchkey_used_flows: { id: string; expires_at: number }
}

/** Whom a driver tells; see `Store.watch`. */
export interface Watcher {
  forget(change: Change): void
  warn(message: string): void
}

/** @param connect Makes the driver; called by `open()`, so that a store costs nothing until it is used. */
export function sqlStore(connect: (watchers: Watcher) => Promise<SqlDriver>): Store {
  let opening: Promise<Open> | undefined
  let open: Open | undefined
  /** Two applications in one process may share a store: the last one closes it. */
  let users = 0
  const watchers = new Set<Watcher>()

  function tell(change: Change): void {
    for (const watcher of watchers) watcher.forget(change)
  }

  function warn(message: string): void {
    for (const watcher of watchers) watcher.warn(message)
  }

  async function start(): Promise<Open> {
    const driver = await connect({ forget: tell, warn })
    const { dialect, migrationDialect } = driver
    const db = new Kysely<Tables>({ dialect })
    const patient = migrationDialect && new Kysely<Tables>({ dialect: migrationDialect })
    try {
      await patiently(driver.isBusy, () => migrate(patient ?? db, driver))
    } catch (error) {
      await driver.close?.()
      await db.destroy()
      throw unusable(error, driver)
    } finally {
      await patient?.destroy()
    }
    return { db, driver }
  }

  function opened(): Promise<Open> {
    if (opening === undefined) throw new Error('The store is not open.')
    return opening
  }

  async function transaction<T>(
    durability: Durability,
    work: (queries: StoreQueries) => Promise<T>,
  ): Promise<T> {
    const { db, driver } = await opened()
    const { announce, isBusy, locksRows } = driver
    const isInTheWay = (error: unknown): boolean => isBusy(error) || error instanceof ConflictError
    return patiently(isInTheWay, async () => {
      const changes: Change[] = []
      try {
        return await driver.transaction(db, durability, async (connection) => {
          const result = await work(
            queriesOn(connection, { changes, locksRows, locksReads: locksRows }),
          )
          if (changes.length > 0) await announce?.(connection, changes)
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
      const { db, driver } = await opened()
      const { locksRows } = driver
      const queries = queriesOn(db, { changes: [], locksRows, locksReads: false })
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
      const { db, driver } = (await last) ?? {}
      await driver?.close?.()
      await db?.destroy()
    },

    watch(forget, warn) {
      const watcher = { forget, warn }
      watchers.add(watcher)
      return {
        isCurrent: () => open?.driver.isCurrent() ?? false,
        get maxAge() {
          return open?.driver.maxAge ?? 0
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

interface Open {
  readonly db: Kysely<Tables>
  readonly driver: SqlDriver
}

/** Makes all the tables or none, in one transaction, which is undone if this process ends midway. */
async function migrate(db: Kysely<Tables>, { awaitTurn, schema }: SqlDriver): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await awaitTurn?.(transaction)
    const { error } = await new Migrator({
      db: transaction,
      provider: { getMigrations: async () => migrations },
      migrationTableName: 'latchkey_migrations',
      migrationLockTableName: 'latchkey_migration_lock',
      ...(schema === undefined ? {} : { migrationTableSchema: schema }),
    }).migrateToLatest()
    if (error !== undefined) throw error
  })
}

function unusable(error: unknown, driver: SqlDriver): LatchkeyError {
  const reason = error instanceof Error ? error.message : String(error)
  const cure = driver.isBusy(error)
    ? 'Another process holds it. Try again once it is done.'
    : /corrupted migrations/.test(reason)
      ? 'A newer version of Latchkey has changed it. Upgrade this one.'
      : 'Check that it is a database of its own, and that this process may write to it.'
  return new LatchkeyError(
    'LATCHKEY_STORE_UNUSABLE',
    `The tables of the store cannot be made ready: ${reason}. ${cure}`,
  )
}

/**
 * @param changes Where to write down what is no longer true once these queries are committed.
 * @param locksReads Whether to lock the rows that are read, as in a transaction beside others.
 */
function queriesOn(
  db: Kysely<Tables>,
  {
    changes,
    locksRows,
    locksReads,
  }: { changes: Change[]; locksRows: boolean; locksReads: boolean },
): StoreQueries {
  return {
    async findUser(id) {
      const row = await db
        .selectFrom('latchkey_users')
        .selectAll()
        .where('id', '=', id)
        .$if(locksReads, (query) => query.forUpdate())
        .executeTakeFirst()
      return row === undefined ? null : userOf(row)
    },

    async listUsers(page) {
      const rows = await db
        .selectFrom('latchkey_users')
        .selectAll()
        .where(behind(page))
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(page.limit)
        .execute()
      return rows.map(userOf)
    },

    async insertUser(user) {
      await db.insertInto('latchkey_users').values(rowOfUser(user)).execute()
    },

    async updateUser(user) {
      changes.push({ user: user.id })
      const { id, created_at, ...columns } = rowOfUser(user)
      await db.updateTable('latchkey_users').set(columns).where('id', '=', id).execute()
    },

    async deleteUser(id) {
      changes.push({ user: id })
      await db.deleteFrom('latchkey_users').where('id', '=', id).execute()
    },

    async findIdentity(provider, subject) {
      const row = await db
        .selectFrom('latchkey_identities')
        .selectAll()
        .where('provider', '=', provider)
        .where('subject', '=', subject)
        .$if(locksReads, (query) => query.forUpdate())
        .executeTakeFirst()
      return row === undefined ? null : identityOf(row)
    },

    async insertIdentity(identity) {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('latchkey_identities')
        .values({
          id: identity.id,
          user_id: identity.userId,
          provider: identity.provider,
          subject: identity.subject,
          attributes: JSON.stringify(identity.attributes),
          created_at: identity.createdAt,
          last_used_at: identity.lastUsedAt,
        })
        .onConflict((conflict) => conflict.columns(['provider', 'subject']).doNothing())
        .executeTakeFirst()
      return numInsertedOrUpdatedRows === 1n
    },

    async updateIdentity(identity) {
      await db
        .updateTable('latchkey_identities')
        .set({
          attributes: JSON.stringify(identity.attributes),
          last_used_at: identity.lastUsedAt,
        })
        .where('id', '=', identity.id)
        .execute()
    },

    async findSession(id) {
      const row = await db
        .selectFrom('latchkey_sessions as session')
        .innerJoin('latchkey_users as user', 'user.id', 'session.user_id')
        .select([
          'session.id as session_id',
          'session.user_id',
          'session.provider',
          'session.secret_hash',
          'session.device',
          'session.created_at as session_created_at',
          'session.authenticated_at',
          'session.last_used_at',
          'session.expires_at',
          'user.name',
          'user.email',
          'user.email_verified',
          'user.avatar_url',
          'user.created_at',
          'user.banned_at',
        ])
        .where('session.id', '=', id)
        .$if(locksReads, (query) => query.forUpdate())
        .executeTakeFirst()
      if (row === undefined) return null
      return {
        session: sessionOf({ ...row, id: row.session_id, created_at: row.session_created_at }),
        user: userOf({ ...row, id: row.user_id }),
      }
    },

    async listSessions(userId, page) {
      const rows = await db
        .selectFrom('latchkey_sessions')
        .selectAll()
        .where('user_id', '=', userId)
        .where(behind(page))
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(page.limit)
        .execute()
      return rows.map(sessionOf)
    },

    async insertSession(session) {
      await db.insertInto('latchkey_sessions').values(rowOfSession(session)).execute()
    },

    async touchSession(id, lastUsedAt) {
      await db
        .updateTable('latchkey_sessions')
        .set({ last_used_at: lastUsedAt })
        .where('id', '=', id)
        .execute()
    },

    async rotateSession(id, secretHash) {
      changes.push({ session: id })
      await db
        .updateTable('latchkey_sessions')
        .set({ secret_hash: secretHash })
        .where('id', '=', id)
        .execute()
    },

    async deleteSession(id) {
      changes.push({ session: id })
      await db.deleteFrom('latchkey_sessions').where('id', '=', id).execute()
    },

    async deleteSessionsOf(userId, except) {
      changes.push({ user: userId })
      let query = db.deleteFrom('latchkey_sessions').where('user_id', '=', userId)
      if (except !== undefined) query = query.where('id', '!=', except)
      await query.execute()
    },

    async deleteOldestSessionsOf(userId, keep) {
      const oldest = await db
        .selectFrom('latchkey_sessions')
        .select('id')
        .where('user_id', '=', userId)
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        // SQLite knows no offset without a limit.
        .limit(1000)
        .offset(keep)
        .execute()
      for (const { id } of oldest) {
        changes.push({ session: id })
        await db.deleteFrom('latchkey_sessions').where('id', '=', id).execute()
      }
    },

    async deleteAllSessions() {
      changes.push('everything')
      await db.deleteFrom('latchkey_sessions').execute()
    },

    async useFlow(id, expiresAt) {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('latchkey_used_flows')
        .values({ id, expires_at: expiresAt })
        .onConflict((conflict) => conflict.column('id').doNothing())
        .executeTakeFirst()
      return numInsertedOrUpdatedRows === 1n
    },

    async deleteExpired(now, unusedSince, limit) {
      const flows = db
        .selectFrom('latchkey_used_flows')
        .select('id')
        .where('expires_at', '<', now)
        .limit(limit)
        // What another process clears away already is left to it.
        .$if(locksRows, (query) => query.forUpdate().skipLocked())
      const expired = db
        .selectFrom('latchkey_sessions')
        .select('id')
        .where('expires_at', '<', now)
        .limit(limit)
        .$if(locksRows, (query) => query.forUpdate().skipLocked())
      const unused = db
        .selectFrom('latchkey_sessions')
        .select('id')
        .where('last_used_at', '<', unusedSince)
        .where('authenticated_at', '<', unusedSince)
        .limit(limit)
        .$if(locksRows, (query) => query.forUpdate().skipLocked())
      const deleted = [
        await db.deleteFrom('latchkey_used_flows').where('id', 'in', flows).executeTakeFirst(),
        await db.deleteFrom('latchkey_sessions').where('id', 'in', expired).executeTakeFirst(),
        await db.deleteFrom('latchkey_sessions').where('id', 'in', unused).executeTakeFirst(),
      ]
      return deleted.some(({ numDeletedRows }) => numDeletedRows >= limit)
    },
  }
}

/** Whether a row comes after the last one of the part before. */
function behind({ after }: Page): RawBuilder<boolean> {
  return after === undefined
    ? sql<boolean>`true`
    : sql<boolean>`(created_at, id) < (${after.createdAt}, ${after.id})`
}

function userOf(row: Tables['latchkey_users']): StoredUser {
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

function rowOfUser(user: StoredUser): Tables['latchkey_users'] {
  return {
    id: user.id,
    name: user.name,
    email: user.email,
    email_verified: user.emailVerified ? 1 : 0,
    avatar_url: user.avatarUrl,
    created_at: user.createdAt,
    banned_at: user.bannedAt,
  }
}

function identityOf(row: Tables['latchkey_identities']): StoredIdentity {
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

function sessionOf(row: Tables['latchkey_sessions']): StoredSession {
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

function rowOfSession(session: StoredSession): Tables['latchkey_sessions'] {
  return {
    id: session.id,
    user_id: session.userId,
    provider: session.provider,
    secret_hash: session.secretHash,
    device: session.device,
    created_at: session.createdAt,
    authenticated_at: session.authenticatedAt,
    last_used_at: session.lastUsedAt,
    expires_at: session.expiresAt,
  }
}
