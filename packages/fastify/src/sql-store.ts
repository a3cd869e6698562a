import { type Dialect, Kysely, type Transaction } from 'kysely'
import { Migrator } from 'kysely/migration'
import { LatchkeyError } from './errors.ts'
import { migrations } from './migrations.ts'
import { patiently } from './patience.ts'
import type {
  Durability,
  Store,
  StoredIdentity,
  StoredSession,
  StoredUser,
  StoreQueries,
} from './store.ts'

/**
 * The store over SQL, written once for every database that Kysely speaks. A driver brings the dialect
 * and says how to commit durably.
 */
export interface SqlDriver {
  readonly dialect: Dialect
  /** Whether another process was in the way, so that the same may work a moment later. */
  isBusy(error: unknown): boolean
  /** Runs `work` in a transaction whose commit survives what `durability` says. */
  transaction<T>(
    db: Kysely<Tables>,
    durability: Durability,
    work: (transaction: Transaction<Tables>) => Promise<T>,
  ): Promise<T>
}

export interface Tables {
  latchkey_users: {
    id: string
    name: string | null
    email: string | null
    email_verified: number
    avatar_url: string | null
    created_at: number
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
    created_at: number
    authenticated_at: number
    expires_at: number
  }
  latchkey_used_flows: { id: string; expires_at: number }
}

/** @param connect Makes the driver; called by `open()`, so that a store costs nothing until it is used. */
export function sqlStore(connect: () => Promise<SqlDriver>): Store {
  let opening: Promise<{ db: Kysely<Tables>; driver: SqlDriver }> | undefined
  /** Two applications in one process may share a store: the last one closes it. */
  let users = 0

  async function start(): Promise<{ db: Kysely<Tables>; driver: SqlDriver }> {
    const driver = await connect()
    const db = new Kysely<Tables>({ dialect: driver.dialect })
    try {
      await patiently(driver.isBusy, () => migrate(db))
    } catch (error) {
      await db.destroy()
      throw unusable(error, driver)
    }
    return { db, driver }
  }

  function opened(): Promise<{ db: Kysely<Tables>; driver: SqlDriver }> {
    if (opening === undefined) throw new Error('The store is not open.')
    return opening
  }

  const alone = <A extends unknown[], T>(
    query: (queries: StoreQueries) => (...parameters: A) => Promise<T>,
  ) => {
    return async (...parameters: A): Promise<T> => {
      const { db, driver } = await opened()
      return patiently(driver.isBusy, () => query(queriesOn(db))(...parameters))
    }
  }

  return {
    async open() {
      opening ??= start()
      try {
        await opening
      } catch (error) {
        opening = undefined
        throw error
      }
      users++
    },

    async close() {
      users = Math.max(0, users - 1)
      if (users > 0) return
      const open = opening
      opening = undefined
      await (await open)?.db.destroy()
    },

    async transaction(durability, work) {
      const { db, driver } = await opened()
      return patiently(driver.isBusy, () =>
        driver.transaction(db, durability, (transaction) => work(queriesOn(transaction))),
      )
    },

    findUser: alone((queries) => queries.findUser),
    insertUser: alone((queries) => queries.insertUser),
    updateUser: alone((queries) => queries.updateUser),
    findIdentity: alone((queries) => queries.findIdentity),
    insertIdentity: alone((queries) => queries.insertIdentity),
    updateIdentity: alone((queries) => queries.updateIdentity),
    findSession: alone((queries) => queries.findSession),
    insertSession: alone((queries) => queries.insertSession),
    deleteSession: alone((queries) => queries.deleteSession),
    deleteSessionsOf: alone((queries) => queries.deleteSessionsOf),
    useFlow: alone((queries) => queries.useFlow),
    deleteExpired: alone((queries) => queries.deleteExpired),
  }
}

async function migrate(db: Kysely<Tables>): Promise<void> {
  const { error } = await new Migrator({
    db,
    provider: { getMigrations: async () => migrations },
    migrationTableName: 'latchkey_migrations',
    migrationLockTableName: 'latchkey_migration_lock',
  }).migrateToLatest()
  if (error !== undefined) throw error
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

function queriesOn(db: Kysely<Tables>): StoreQueries {
  return {
    async findUser(id) {
      const row = await db
        .selectFrom('latchkey_users')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirst()
      return row === undefined ? null : userOf(row)
    },

    async insertUser(user) {
      await db.insertInto('latchkey_users').values(rowOfUser(user)).execute()
    },

    async updateUser(user) {
      const { id, created_at, ...columns } = rowOfUser(user)
      await db.updateTable('latchkey_users').set(columns).where('id', '=', id).execute()
    },

    async findIdentity(provider, subject) {
      const row = await db
        .selectFrom('latchkey_identities')
        .selectAll()
        .where('provider', '=', provider)
        .where('subject', '=', subject)
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
          'session.created_at as session_created_at',
          'session.authenticated_at',
          'session.expires_at',
          'user.name',
          'user.email',
          'user.email_verified',
          'user.avatar_url',
          'user.created_at',
        ])
        .where('session.id', '=', id)
        .executeTakeFirst()
      if (row === undefined) return null
      return {
        session: {
          id: row.session_id,
          userId: row.user_id,
          provider: row.provider,
          secretHash: row.secret_hash,
          createdAt: row.session_created_at,
          authenticatedAt: row.authenticated_at,
          expiresAt: row.expires_at,
        },
        user: userOf({ ...row, id: row.user_id }),
      }
    },

    async insertSession(session) {
      await db.insertInto('latchkey_sessions').values(rowOfSession(session)).execute()
    },

    async deleteSession(id) {
      await db.deleteFrom('latchkey_sessions').where('id', '=', id).execute()
    },

    async deleteSessionsOf(userId, except) {
      let query = db.deleteFrom('latchkey_sessions').where('user_id', '=', userId)
      if (except !== undefined) query = query.where('id', '!=', except)
      await query.execute()
    },

    async useFlow(id, expiresAt) {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('latchkey_used_flows')
        .values({ id, expires_at: expiresAt })
        .onConflict((conflict) => conflict.column('id').doNothing())
        .executeTakeFirst()
      return numInsertedOrUpdatedRows === 1n
    },

    async deleteExpired(now, limit) {
      for (const table of ['latchkey_used_flows', 'latchkey_sessions'] as const) {
        const expired = db.selectFrom(table).select('id').where('expires_at', '<', now).limit(limit)
        await db.deleteFrom(table).where('id', 'in', expired).execute()
      }
    },
  }
}

function userOf(row: Tables['latchkey_users']): StoredUser {
  return {
    id: row.id,
    name: row.name,
    email: row.email,
    emailVerified: row.email_verified === 1,
    avatarUrl: row.avatar_url,
    createdAt: row.created_at,
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

function rowOfSession(session: StoredSession): Tables['latchkey_sessions'] {
  return {
    id: session.id,
    user_id: session.userId,
    provider: session.provider,
    secret_hash: session.secretHash,
    created_at: session.createdAt,
    authenticated_at: session.authenticatedAt,
    expires_at: session.expiresAt,
  }
}
