// Reads the values of columns. A column may contain anything: SQLite stores any type in any column, and
// people edit databases by hand. An unreadable row must not look like an outage, which would permanently lock
// out the person that it belongs to.

/** The contents of a row, and whether all of them could be read. */
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

/** Returns milliseconds, or `null` for anything but a safe integer. */
export function timeOf(value: unknown): number | null {
  return Number.isSafeInteger(value) ? (value as number) : null
}
