import pg from 'pg'
import { expect, vi } from 'vitest'
import { ask } from './postgres.ts'

/** A lock in a PostgreSQL database. */
export interface Held {
  letGo(): Promise<void>
}

/** Locks a table, even for reads. */
export async function holdTable(url: string, table: string): Promise<Held> {
  return hold(url, `begin; lock table ${table} in access exclusive mode`)
}

/** Blocks a statement on each row, such as an `insert on latchkey_sessions`. */
export async function holdRows(url: string, event: string): Promise<Held> {
  return hold(
    url,
    `select pg_advisory_lock(1);
    create function hold() returns trigger language plpgsql as
      $$ begin perform pg_advisory_xact_lock(1); return coalesce(new, old); end $$;
    create trigger hold before ${event} for each row execute function hold()`,
  )
}

async function hold(url: string, sql: string): Promise<Held> {
  const client = new pg.Client(url)
  // If the test fails, the database may be dropped before this connection is closed.
  client.on('error', () => {})
  await client.connect()
  await client.query(sql)
  return { letGo: () => client.end() }
}

/** Waits until this many connections are waiting for a lock. */
export async function untilWaiting(url: string, count: number): Promise<void> {
  await vi.waitFor(async () => {
    const waiting = await ask(
      url,
      "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
    )
    expect(waiting).toHaveLength(count)
  }, 20_000)
}
