import { LatchkeyError } from '../http/errors.ts'
import { recordByPostgres, recordBySqlite, recordRolesBySqlite } from '../record/record-triggers.ts'
import type { Dialect, Sql } from './sql.ts'

/**
 * All migrations of the tables, in order. Never edit a migration that has been published: add a new one
 * instead. Times are integers in milliseconds, and booleans are 0 or 1, so that every database stores the
 * same values.
 */
export const migrations: Readonly<Record<string, (sql: Sql, dialect: Dialect) => Promise<void>>> = {
  '001-users-identities-sessions': async (sql) => {
    await sql`create table latchkey_users (
      id text primary key,
      name text,
      email text,
      email_verified integer not null,
      avatar_url text,
      created_at bigint not null
    )`

    await sql`create table latchkey_identities (
      id text primary key,
      user_id text not null references latchkey_users (id) on delete cascade,
      provider text not null,
      subject text not null,
      attributes text not null,
      created_at bigint not null,
      last_used_at bigint not null,
      constraint latchkey_identities_subject unique (provider, subject)
    )`
    await sql`create index latchkey_identities_user on latchkey_identities (user_id)`

    await sql`create table latchkey_sessions (
      id text primary key,
      user_id text not null references latchkey_users (id) on delete cascade,
      provider text,
      secret_hash text not null,
      created_at bigint not null,
      authenticated_at bigint not null,
      expires_at bigint not null
    )`
    await sql`create index latchkey_sessions_user on latchkey_sessions (user_id)`
    await sql`create index latchkey_sessions_expiry on latchkey_sessions (expires_at)`

    await sql`create table latchkey_used_flows (
      id text primary key,
      expires_at bigint not null
    )`
    await sql`create index latchkey_used_flows_expiry on latchkey_used_flows (expires_at)`
  },

  // Only adds columns, so that servers running the previous version keep working during a rollout. The rows that
  // they write get the defaults, where 0 means "no use stored since sign-in".
  '002-session-life': async (sql) => {
    await sql`alter table latchkey_users add column banned_at bigint`
    await sql`create index latchkey_users_created on latchkey_users (created_at, id)`

    await sql`alter table latchkey_sessions add column device text`
    await sql`alter table latchkey_sessions add column last_used_at bigint not null default 0`
    await sql`create index latchkey_sessions_use on latchkey_sessions (last_used_at)`
  },

  // This migration only adds columns too. The triggers also record changes made by servers running the previous version.
  '003-record': async (sql, dialect) => {
    await sql`alter table latchkey_sessions add column end_reason text`
    await sql`alter table latchkey_sessions add column end_actor text`
    await (dialect === 'postgresql' ? recordByPostgres(sql) : recordBySqlite(sql))
  },
}

/**
 * Migrations that only add something, in order. They run after all of the above and are recorded in a separate
 * table, which servers of an earlier version do not read. Such a server can therefore be restarted during a
 * rollout. It would not start if `latchkey_migrations` contained a name that it does not know.
 */
const additions: typeof migrations = {
  '001-roles': async (sql, dialect) => {
    await sql`alter table latchkey_users add column roles text not null default '[]'`
    if (dialect === 'sqlite') await recordRolesBySqlite(sql)
  },

  '002-pending-users': async (sql) => {
    await sql`alter table latchkey_users add column pending integer not null default 0`
  },

  '003-edited-names': async (sql) => {
    await sql`alter table latchkey_users add column name_edited integer not null default 0`
  },
}

/** Whether all migrations have run. Rejects if the table of migrations is missing. */
export async function isMigrated(sql: Sql): Promise<boolean> {
  const done = await migrationsDone(sql)
  if (!Object.keys(migrations).every((name) => done.has(name))) return false
  // A store of an earlier version does not have this table.
  const added = await additionsDone(sql).catch(() => new Set())
  return Object.keys(additions).every((name) => added.has(name))
}

/** Runs the missing migrations. Call it in an exclusive transaction. */
export async function migrate(sql: Sql, dialect: Dialect): Promise<void> {
  await sql`create table if not exists latchkey_migrations (
    name text primary key,
    timestamp text not null
  )`
  await sql`create table if not exists latchkey_additions (
    name text primary key,
    timestamp text not null
  )`
  const timestamp = new Date().toISOString()
  const done = await migrationsDone(sql)
  for (const [name, change] of Object.entries(migrations)) {
    if (done.has(name)) continue
    await change(sql, dialect)
    await sql`insert into latchkey_migrations (name, timestamp) values (${name}, ${timestamp})`
  }
  const added = await additionsDone(sql)
  for (const [name, change] of Object.entries(additions)) {
    if (added.has(name)) continue
    await change(sql, dialect)
    await sql`insert into latchkey_additions (name, timestamp) values (${name}, ${timestamp})`
  }
}

async function migrationsDone(sql: Sql): Promise<ReadonlySet<string>> {
  // Read all columns, because the names alone would come from the index and hide a damaged table.
  const rows = await sql<{ name: string }>`select * from latchkey_migrations`
  const names = new Set(rows.map(({ name }) => name))
  const unknown = [...names].find((name) => !Object.hasOwn(migrations, name))
  if (unknown === undefined) return names
  throw new LatchkeyError(
    'LATCHKEY_STORE_UNUSABLE',
    `A newer version of Latchkey has changed the store's tables: \`${unknown}\` is unknown to this version. Upgrade this server.`,
  )
}

/** Unknown names are fine: a newer version may have added something. */
async function additionsDone(sql: Sql): Promise<ReadonlySet<string>> {
  const rows = await sql<{ name: string }>`select * from latchkey_additions`
  return new Set(rows.map(({ name }) => name))
}
