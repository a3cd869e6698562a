import type { Page } from '../store.ts'

/** Sorts before every row in a list from newest to oldest. */
const BEFORE_THE_FIRST = { createdAt: Number.MAX_SAFE_INTEGER, id: '' }
/** Sorts after every row with a readable time. */
export const BEHIND_THE_LAST: number = Number.MIN_SAFE_INTEGER

/** The position of a row in a list. */
export interface Place {
  readonly id: string
  readonly created_at: number
}

/** Reads until the page is full, because unreadable rows are skipped. */
export async function readPage<Row extends Omit<Place, 'created_at'> & { created_at: unknown }, T>(
  { limit, after = BEFORE_THE_FIRST }: Page,
  decode: (row: Row) => T | null,
  read: (limit: number, after: NonNullable<Page['after']>) => Promise<(Row & Place)[]>,
): Promise<T[]> {
  const found: T[] = []
  let last = after
  for (;;) {
    const missing = limit - found.length
    const rows = await read(missing, last)
    found.push(...rows.map(decode).filter((value) => value !== null))
    const end = rows.at(-1)
    if (end === undefined || rows.length < missing || found.length === limit) return found
    last = { id: end.id, createdAt: end.created_at }
  }
}
