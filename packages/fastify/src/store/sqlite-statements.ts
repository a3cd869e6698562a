import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { Sql, Value } from './sql.ts'
import { newTurn } from './turn.ts'

/**
 * Statements on one connection. There are few, and to prepare one takes longer than to run it, so each is
 * prepared once. Where its tables have changed since, SQLite prepares it anew by itself, though Node may
 * give the first rows after that no more columns than there were before.
 */
export function statementsOf(database: DatabaseSync): Sql {
  interface Prepared {
    readonly statement: StatementSync
    readonly mayWrite: boolean
  }
  const prepared = new Map<TemplateStringsArray, Prepared>()

  function prepare(text: TemplateStringsArray): Prepared {
    // There are no locks on rows: who has begun a transaction is the only one that writes.
    const spelled = text
      .join('?')
      .replace(/ for update( skip locked)?/, '')
      .replace('= any(?)', 'in (select value from json_each(?))')
    return { statement: database.prepare(spelled), mayWrite: !spelled.startsWith('select') }
  }

  return async function run<Row>(text: TemplateStringsArray, ...values: Value[]): Promise<Row[]> {
    const known = prepared.get(text) ?? prepare(text)
    prepared.set(text, known)
    const given = values.map((value) => (Array.isArray(value) ? JSON.stringify(value) : value))
    if (!known.mayWrite) return read(known.statement, given as SQLInputValue[]) as Row[]
    // Other connections of this process are not to wait for the next turn to see it.
    newTurn()
    return runWithBigInts(known.statement, given as SQLInputValue[]) as Row[]
  }
}

/**
 * Reads rows with plain numbers, in half the time, and repeats the reading with BigInts if a number is too
 * large. Only for statements without side effects.
 */
function read(statement: StatementSync, values: SQLInputValue[]): unknown[] {
  try {
    return statement.all(...values)
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_OUT_OF_RANGE') throw error
  }
  try {
    return runWithBigInts(statement, values)
  } finally {
    statement.setReadBigInts(false)
  }
}

/** Reads integers as BigInts: one that is too large for a number would be an error for all rows. */
function runWithBigInts(statement: StatementSync, values: SQLInputValue[]): unknown[] {
  statement.setReadBigInts(true)
  return statement.all(...values).map(withNumbers)
}

/** What is too large for a number is `NaN`. */
function withNumbers(row: Record<string, unknown>): Record<string, unknown> {
  for (const name in row) {
    const value = row[name]
    if (typeof value !== 'bigint') continue
    const number = Number(value)
    row[name] = Number.isSafeInteger(number) ? number : Number.NaN
  }
  return row
}
