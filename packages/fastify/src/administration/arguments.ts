import { LatchkeyError } from '../http/errors.ts'
import type { Page } from '../store/store.ts'

export interface PageOptions {
  /** The most rows to give, from 1 to 1000. Default 100. */
  readonly limit?: number | undefined
  /** Where to go on: the `nextCursor` of the part before. */
  readonly cursor?: string | null | undefined
}

/**
 * Returns an id that every store accepts. A string that cannot be an id becomes `''`, which is nobody's,
 * because not every database accepts every string.
 * @throws LatchkeyError `LATCHKEY_ARGUMENT_INVALID`
 */
export function idOf(id: unknown): string {
  if (typeof id !== 'string') throw invalid('An id must be a text')
  return /^[\w-]{1,64}$/.test(id) ? id : ''
}

export function invalid(what: string): LatchkeyError {
  return new LatchkeyError('LATCHKEY_ARGUMENT_INVALID', `${what}.`)
}

/** Whether every database accepts a value as text. */
export function isText(value: unknown): boolean {
  return value === null || (typeof value === 'string' && !value.includes('\0'))
}

type Row = NonNullable<Page['after']>

/** @throws LatchkeyError `LATCHKEY_ARGUMENT_INVALID` */
export function pageOf(options: PageOptions | undefined): Page {
  const { limit = 100, cursor, ...others } = Object(options ?? {}) as PageOptions
  const [unknown] = Object.keys(others)
  if (unknown !== undefined || (options !== undefined && typeof options !== 'object')) {
    throw invalid('A page has a `limit` and a `cursor`, and nothing else')
  }
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= 1000)) {
    throw invalid('A `limit` must be a whole number from 1 to 1000')
  }
  return { limit, after: cursor === undefined || cursor === null ? undefined : rowOf(cursor) }
}

/** Returns the cursor of the next page, or `null` if these rows are the last. */
export function cursorBehind(rows: readonly Row[], { limit }: Page): string | null {
  const last = rows.at(-1)
  if (last === undefined || rows.length < limit) return null
  return Buffer.from(`${last.createdAt}.${last.id}`).toString('base64url')
}

function rowOf(cursor: string): Row {
  const text = typeof cursor === 'string' ? Buffer.from(cursor, 'base64url').toString() : ''
  const [, createdAt, id] = /^(-?\d{1,16})\.([\w-]{1,64})$/.exec(text) ?? []
  if (createdAt !== undefined && id !== undefined) return { createdAt: Number(createdAt), id }
  throw invalid('A `cursor` must be the `nextCursor` of the part before, or left out for the first')
}
