import type { Sql } from '../store/sql.ts'

// The table of the record and the triggers that write it. They have been published, so never edit them (see
// `migrations.ts`).

/** Makes SQLite record a change of roles too. In PostgreSQL, the trigger covers every column. */
export async function recordRolesBySqlite(sql: Sql): Promise<void> {
  await sql`drop trigger latchkey_users_changed`
  await sql`create trigger latchkey_users_changed after update on latchkey_users
    when (old.name, old.email, old.email_verified, old.avatar_url, old.created_at, old.banned_at,
      old.roles) is not (new.name, new.email, new.email_verified, new.avatar_url, new.created_at,
      new.banned_at, new.roles)
  begin
    insert into latchkey_record (type, user_id) values ('user-changed', old.id);
  end`
}

/**
 * Creates the record in PostgreSQL:
 *
 * - `xid` is an index, not a key, because one transaction may record many rows.
 * - A statement that ends more than a thousand sessions records a single row, which stands for all changes.
 * - The functions pin `search_path` to the schema of their tables and run with their owner's privileges,
 *   because the role that changes a row may have a different path and fewer privileges. No other role may use
 *   them in a trigger.
 * - The triggers are set to `enable always`, so that logically replicated rows are recorded too.
 */
export async function recordByPostgres(sql: Sql): Promise<void> {
  await sql`create table latchkey_record (
    id bigint generated always as identity primary key,
    xid xid8 not null default pg_current_xact_id(),
    at bigint not null default (extract(epoch from clock_timestamp()) * 1000)::bigint,
    type text not null,
    session_id text,
    user_id text,
    actor text,
    reason text
  )`
  await sql`create index latchkey_record_xid on latchkey_record (xid)`
  await createRecordFunctions(sql)
  await createTriggers(sql)
}

async function createRecordFunctions(sql: Sql): Promise<void> {
  await sql`do $do$ begin
    execute format($create$
      create function latchkey_record_ended_sessions() returns trigger
      language plpgsql security definer set search_path = %1$I, pg_temp as $body$
      begin
        if (select count(*) from (select 1 from gone limit 1001) as first) > 1000 then
          insert into latchkey_record (type) values ('everything');
        else
          insert into latchkey_record (type, session_id, user_id, actor, reason)
            select 'session-ended', id, user_id, end_actor, end_reason from gone;
        end if;
        return null;
      end $body$;

      create function latchkey_record_changed_session() returns trigger
      language plpgsql security definer set search_path = %1$I, pg_temp as $body$
      begin
        insert into latchkey_record (type, session_id, user_id)
          values ('session-changed', old.id, old.user_id);
        return null;
      end $body$;

      create function latchkey_record_user() returns trigger
      language plpgsql security definer set search_path = %1$I, pg_temp as $body$
      begin
        insert into latchkey_record (type, user_id)
          values (case tg_op when 'DELETE' then 'user-deleted' else 'user-changed' end, old.id);
        return null;
      end $body$;

      create function latchkey_record_everything() returns trigger
      language plpgsql security definer set search_path = %1$I, pg_temp as $body$
      begin
        insert into latchkey_record (type) values ('everything');
        return null;
      end $body$;

      revoke execute on function latchkey_record_ended_sessions(), latchkey_record_changed_session(),
        latchkey_record_user(), latchkey_record_everything() from public;
    $create$, current_schema());
  end $do$`
}

async function createTriggers(sql: Sql): Promise<void> {
  await sql`create trigger latchkey_sessions_ended after delete on latchkey_sessions
    referencing old table as gone for each statement
    execute function latchkey_record_ended_sessions()`
  await sql`create trigger latchkey_sessions_changed after update on latchkey_sessions for each row
    when ((old.id, old.user_id, old.provider, old.secret_hash, old.created_at, old.authenticated_at,
      old.expires_at) is distinct from (new.id, new.user_id, new.provider, new.secret_hash,
      new.created_at, new.authenticated_at, new.expires_at))
    execute function latchkey_record_changed_session()`
  await sql`create trigger latchkey_sessions_truncated after truncate on latchkey_sessions
    for each statement execute function latchkey_record_everything()`
  await sql`create trigger latchkey_users_changed after update on latchkey_users for each row
    when (old is distinct from new) execute function latchkey_record_user()`
  await sql`create trigger latchkey_users_deleted after delete on latchkey_users for each row
    execute function latchkey_record_user()`
  await sql`create trigger latchkey_users_truncated after truncate on latchkey_users
    for each statement execute function latchkey_record_everything()`
  await sql`alter table latchkey_sessions
    enable always trigger latchkey_sessions_ended,
    enable always trigger latchkey_sessions_changed,
    enable always trigger latchkey_sessions_truncated`
  await sql`alter table latchkey_users
    enable always trigger latchkey_users_changed,
    enable always trigger latchkey_users_deleted,
    enable always trigger latchkey_users_truncated`
}

/**
 * Creates the record in SQLite. Ids follow the order of commits, because writers take turns and
 * `autoincrement` never reuses an id.
 */
export async function recordBySqlite(sql: Sql): Promise<void> {
  // Use only syntax that a `sqlite3` from 2022 understands, because the triggers also run when a row is
  // deleted by hand.
  await sql`create table latchkey_record (
    id integer primary key autoincrement,
    at integer not null default (cast((julianday('now') - 2440587.5) * 86400000 as integer)),
    type text not null,
    session_id text,
    user_id text,
    actor text,
    reason text
  )`
  // Reserved space, so that a session can be deleted even if the file cannot grow.
  await sql`create table latchkey_reserve (room blob not null)`
  await sql`insert into latchkey_reserve values (zeroblob(32768))`
  await sql`create trigger latchkey_sessions_ended after delete on latchkey_sessions begin
    insert into latchkey_record (type, session_id, user_id, actor, reason)
      values ('session-ended', old.id, old.user_id, old.end_actor, old.end_reason);
  end`
  await sql`create trigger latchkey_sessions_changed after update on latchkey_sessions
    when (old.id, old.user_id, old.provider, old.secret_hash, old.created_at, old.authenticated_at,
      old.expires_at) is not (new.id, new.user_id, new.provider, new.secret_hash, new.created_at,
      new.authenticated_at, new.expires_at)
  begin
    insert into latchkey_record (type, session_id, user_id)
      values ('session-changed', old.id, old.user_id);
  end`
  await sql`create trigger latchkey_users_changed after update on latchkey_users
    when (old.name, old.email, old.email_verified, old.avatar_url, old.created_at, old.banned_at)
      is not (new.name, new.email, new.email_verified, new.avatar_url, new.created_at, new.banned_at)
  begin
    insert into latchkey_record (type, user_id) values ('user-changed', old.id);
  end`
  await sql`create trigger latchkey_users_deleted after delete on latchkey_users begin
    insert into latchkey_record (type, user_id) values ('user-deleted', old.id);
  end`
  // `insert or replace` deletes rows without a delete trigger: https://sqlite.org/lang_conflict.html
  await sql`create trigger latchkey_sessions_replaced before insert on latchkey_sessions
    when exists (select 1 from latchkey_sessions where id = new.id)
  begin
    insert into latchkey_record (type, session_id, user_id)
      values ('session-changed', new.id, new.user_id);
  end`
  await sql`create trigger latchkey_users_replaced before insert on latchkey_users
    when exists (select 1 from latchkey_users where id = new.id)
  begin
    insert into latchkey_record (type, user_id) values ('user-changed', new.id);
  end`
}
