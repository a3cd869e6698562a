import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

/**
 * Every change of the tables, in order. One that has been published is never edited: add another.
 * Times are integers in milliseconds, truth values 0 or 1, so that every database holds the same.
 */
export const migrations: Readonly<Record<string, Migration>> = {
  '001-users-identities-sessions': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('latchkey_users')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('name', 'text')
        .addColumn('email', 'text')
        .addColumn('email_verified', 'integer', (column) => column.notNull())
        .addColumn('avatar_url', 'text')
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .execute()

      await db.schema
        .createTable('latchkey_identities')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('user_id', 'text', (column) =>
          column.notNull().references('latchkey_users.id').onDelete('cascade'),
        )
        .addColumn('provider', 'text', (column) => column.notNull())
        .addColumn('subject', 'text', (column) => column.notNull())
        .addColumn('attributes', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('last_used_at', 'bigint', (column) => column.notNull())
        .addUniqueConstraint('latchkey_identities_subject', ['provider', 'subject'])
        .execute()
      await db.schema
        .createIndex('latchkey_identities_user')
        .on('latchkey_identities')
        .column('user_id')
        .execute()

      await db.schema
        .createTable('latchkey_sessions')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('user_id', 'text', (column) =>
          column.notNull().references('latchkey_users.id').onDelete('cascade'),
        )
        .addColumn('provider', 'text')
        .addColumn('secret_hash', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('authenticated_at', 'bigint', (column) => column.notNull())
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        .execute()
      await db.schema
        .createIndex('latchkey_sessions_user')
        .on('latchkey_sessions')
        .column('user_id')
        .execute()
      await db.schema
        .createIndex('latchkey_sessions_expiry')
        .on('latchkey_sessions')
        .column('expires_at')
        .execute()

      await db.schema
        .createTable('latchkey_used_flows')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        .execute()
      await db.schema
        .createIndex('latchkey_used_flows_expiry')
        .on('latchkey_used_flows')
        .column('expires_at')
        .execute()
    },
  },

  '002-session-life': {
    // Only adds, so that servers of the version before go on while this one is rolled out: what they
    // write has the defaults, and 0 is read as "not noted since sign-in".
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema.alterTable('latchkey_users').addColumn('banned_at', 'bigint').execute()
      await db.schema
        .createIndex('latchkey_users_created')
        .on('latchkey_users')
        .columns(['created_at', 'id'])
        .execute()

      await db.schema.alterTable('latchkey_sessions').addColumn('device', 'text').execute()
      await db.schema
        .alterTable('latchkey_sessions')
        .addColumn('last_used_at', 'bigint', (column) => column.notNull().defaultTo(0))
        .execute()
      await db.schema
        .createIndex('latchkey_sessions_use')
        .on('latchkey_sessions')
        .column('last_used_at')
        .execute()
    },
  },
}
