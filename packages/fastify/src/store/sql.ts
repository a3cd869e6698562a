import type { Change, Durability } from './store.ts'

/**
 * Runs a statement, and returns its rows: sql`select name from latchkey_users where id = ${id}`. A value in
 * `${}` is sent as a parameter, and is never a part of the statement.
 *
 * A statement is written in PostgreSQL's dialect. `for update` keeps the rows as they were read until the
 * transaction ends; a driver drops it from statements outside of one, and where nobody else can write.
 * `= any(${list})` compares with each text of an array. A whole number that JavaScript cannot hold is read
 * as `NaN`.
 */
export type Sql = <Row = unknown>(
  statement: TemplateStringsArray,
  ...values: readonly Value[]
) => Promise<Row[]>

export type Value = string | number | null | readonly string[]

/** Whose SQL it is, where the two databases have no words in common. */
export type Dialect = 'postgresql' | 'sqlite'

/**
 * A database: how statements are run, and how it keeps commits that last, transactions that do not disturb
 * each other, and news of what others have changed.
 */
export interface SqlDriver {
  readonly dialect: Dialect
  /** Whether no table of ours is there yet. */
  isEmpty(): Promise<boolean>
  /** Runs a statement by itself. */
  readonly sql: Sql
  /**
   * Runs `work` in a transaction whose commit survives what `durability` says. If `work` called
   * `recorded`, the watcher and the other processes are told what the record has of the transaction:
   * once it is committed, and the watcher before the promise resolves.
   */
  transaction<T>(
    durability: Durability,
    work: (sql: Sql, recorded: () => void) => Promise<T>,
  ): Promise<T>
  /** Runs `work` in a transaction that may take its time, while no other process does the same. */
  exclusive(work: (sql: Sql) => Promise<void>): Promise<void>
  /** Whether another process was in the way, so that the same may work a moment later. */
  isBusy(error: unknown): boolean
  /** How many reads of sessions may be under way at a time, where it pays to put them together. */
  readonly readsAtATime?: number
  /** Begins to read the record. Called once the tables are ready. */
  follow(): void
  /** Deletes those rows of the record that no reader needs any more. */
  sweepRecord(): Promise<void>
  /** See `Watch`. */
  isCurrent(): boolean
  isFollowing(): boolean
  attend(): () => void
  close(): Promise<void>
}

/** What the queries of a store need to run. */
export interface Statements {
  readonly sql: Sql
  /** Called where the record gets a row. */
  readonly recorded: () => void
  /** Called for a row that cannot be read. */
  readonly report: (table: string, id: string) => void
}

/** Whom a driver tells; see `Store.watch`. */
export interface Watcher {
  changed(change: Change): void
  warn(message: string): void
}
