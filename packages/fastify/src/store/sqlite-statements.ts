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
    const statement = database.prepare(spelled)
    // Otherwise one number that is too large would be an error for all rows.
    statement.setReadBigInts(true)
    return { statement, mayWrite: !spelled.startsWith('select') }
  }

  return async function run<Row>(text: TemplateStringsArray, ...values: Value[]): Promise<Row[]> {
    const known = prepared.get(text) ?? prepare(text)
    prepared.set(text, known)
    // Other connections of this process are not to wait for the next turn to see it.
    if (known.mayWrite) newTurn()
    const given = values.map((value) => (Array.isArray(value) ? JSON.stringify(value) : value))
    return known.statement.all(...(given as SQLInputValue[])).map(withNumbers) as Row[]
  }
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
