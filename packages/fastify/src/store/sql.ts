import type { Change, Durability } from './store.ts'

/**
 * Runs a statement and returns its rows: sql`select name from latchkey_users where id = ${id}`. A
 * value in `${}` is sent as a parameter, and never becomes part of the statement.
 *
 * Statements use PostgreSQL's dialect. `for update` locks the rows until the transaction ends. A driver drops
 * it outside of transactions, and where only one transaction can write. `= any(${list})` compares with each
 * string of an array. An integer that JavaScript cannot represent exactly is read as `NaN`.
 */
export type Sql = <Row = unknown>(
  statement: TemplateStringsArray,
  ...values: readonly Value[]
) => Promise<Row[]>

export type Value = string | number | null | readonly string[]

/** The SQL dialect, where the two databases have no syntax in common. */
export type Dialect = 'postgresql' | 'sqlite'

/**
 * A database: how it runs statements, and how it provides durable commits, isolated transactions,
 * and notifications of other processes' changes.
 */
export interface SqlDriver {
  readonly dialect: Dialect
  /** Whether our tables are still missing. */
  isEmpty(): Promise<boolean>
  /** Runs a single statement. */
  readonly sql: Sql
  /**
   * Runs `work` in a transaction whose commit is as durable as `durability` says. If `work` called
   * `recorded`, the watcher and the other processes are notified of the recorded changes after the commit.
   * The watcher is notified before the promise resolves.
   */
  transaction<T>(
    durability: Durability,
    work: (sql: Sql, recorded: () => void) => Promise<T>,
  ): Promise<T>
  /** Runs `work` in a transaction without a time limit, while no other process does the same. */
  exclusive(work: (sql: Sql) => Promise<void>): Promise<void>
  /** Whether another process interfered, so that a retry may succeed. */
  isBusy(error: unknown): boolean
  /** The maximum number of concurrent reads of sessions, if combining reads is faster. */
  readonly readsAtATime?: number
  /** Begins to read the record. Called once the tables are ready. */
  follow(): void
  /** Deletes the rows of the record that no reader needs anymore. */
  sweepRecord(): Promise<void>
  /** See `Watch`. */
  isCurrent(): boolean
  isFollowing(): boolean
  attend(): () => void
  close(): Promise<void>
}

/** The dependencies of a store's queries. */
export interface Statements {
  readonly sql: Sql
  /** Called before a statement that adds a row to the record. */
  readonly recorded: () => void
  /** Called for an unreadable row. */
  readonly report: (table: string, id: string) => void
}

/** Receives a driver's changes and warnings. See `Store.watch`. */
export interface Watcher {
  changed(change: Change): void
  warn(message: string): void
}
