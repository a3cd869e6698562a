// Values of columns. A column may hold anything: SQLite keeps any type in any column, and people edit
// databases by hand. A row that cannot be read must not look like an outage, which would lock its person out
// for good.

/** What a row holds, and whether all of it could be read. */
export interface Decoded<T> {
  readonly value: T
  readonly isWhole: boolean
}

export function isText(value: unknown): value is string {
  return typeof value === 'string'
}

export function textOf(value: unknown): string | null {
  return isText(value) ? value : null
}

/** Milliseconds, or `null` for what no number of JavaScript can hold. */
export function timeOf(value: unknown): number | null {
  return Number.isSafeInteger(value) ? (value as number) : null
}
