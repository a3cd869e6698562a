import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { Sql, Value } from './sql.ts'
import { newTurn } from './turn.ts'

/**
 * Runs statements on one connection. There are only a few statements, and preparing one takes longer than
 * running it, so each one is prepared once. If its tables change, SQLite prepares it again automatically.
 * However, the first rows that Node returns after that may lack new columns.
 */
export function statementsOf(database: DatabaseSync): Sql {
  interface Prepared {
    readonly statement: StatementSync
    readonly mayWrite: boolean
  }
  const prepared = new Map<TemplateStringsArray, Prepared>()

  function prepare(text: TemplateStringsArray): Prepared {
    // SQLite has no row locks. Only the connection that has begun a transaction can write.
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
    // Other connections in this process must see the write in this turn.
    newTurn()
    return runWithBigInts(known.statement, given as SQLInputValue[]) as Row[]
  }
}

/**
 * Reads rows with plain numbers, which takes half the time. If a number is too large, it reads them again
 * with BigInts. Use it only for statements without side effects.
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

/**
 * Reads integers as BigInts. With plain numbers, a single number that is too large would make the whole
 * statement fail.
 */
function runWithBigInts(statement: StatementSync, values: SQLInputValue[]): unknown[] {
  statement.setReadBigInts(true)
  return statement.all(...values).map(withNumbers)
}

/** Converts BigInts to numbers. One that is too large becomes `NaN`. */
function withNumbers(row: Record<string, unknown>): Record<string, unknown> {
  for (const name in row) {
    const value = row[name]
    if (typeof value !== 'bigint') continue
    const number = Number(value)
    row[name] = Number.isSafeInteger(number) ? number : Number.NaN
  }
  return row
}
