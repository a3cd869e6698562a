import { LatchkeyError } from '../http/errors.ts'
import type { Page } from '../store/store.ts'

/**
 * Selects one page of a list.
 *
 * @example
 * let cursor: string | null = null
 * do {
 *   const page = await app.latchkey.users.list({ limit: 1000, cursor })
 *   for (const user of page.users) console.log(user.id)
 *   cursor = page.nextCursor
 * } while (cursor !== null)
 */
export interface PageOptions {
  /** The maximum number of rows, from 1 to 1000. Default 100. */
  readonly limit?: number | undefined
  /** The `nextCursor` of the previous page. Omit it, or pass `null`, for the first page. */
  readonly cursor?: string | null | undefined
}

/**
 * Returns an id that every store accepts. Not every database accepts every string, so a string that cannot
 * be an id becomes `''`, which is never an id.
 * @throws LatchkeyError `LATCHKEY_ARGUMENT_INVALID`
 */
export function idOf(id: unknown): string {
  if (typeof id !== 'string') throw invalid('The id must be a string')
  return /^[\w-]{1,64}$/.test(id) ? id : ''
}

export function invalid(sentence: string): LatchkeyError {
  return new LatchkeyError('LATCHKEY_ARGUMENT_INVALID', `${sentence}.`)
}

/** Returns whether a value is `null` or a string that every database accepts. */
export function isText(value: unknown): boolean {
  return value === null || (typeof value === 'string' && !value.includes('\0'))
}

type Row = NonNullable<Page['after']>

/** @throws LatchkeyError `LATCHKEY_ARGUMENT_INVALID` */
export function pageOf(options: PageOptions | undefined): Page {
  const { limit = 100, cursor, ...others } = Object(options ?? {}) as PageOptions
  const [unknown] = Object.keys(others)
  if (unknown !== undefined || (options !== undefined && typeof options !== 'object')) {
    throw invalid(
      'A page must be an object that contains only `limit` and `cursor`, which are both optional',
    )
  }
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= 1000)) {
    throw invalid('`limit` must be a whole number from 1 to 1000')
  }
  return { limit, after: cursor === undefined || cursor === null ? undefined : rowOf(cursor) }
}

/** Returns the cursor of the next page, or `null` after the last page. */
export function cursorBehind(rows: readonly Row[], { limit }: Page): string | null {
  const last = rows.at(-1)
  if (last === undefined || rows.length < limit) return null
  return Buffer.from(`${last.createdAt}.${last.id}`).toString('base64url')
}

function rowOf(cursor: string): Row {
  const text = typeof cursor === 'string' ? Buffer.from(cursor, 'base64url').toString() : ''
  const [, createdAt, id] = /^(-?\d{1,16})\.([\w-]{1,64})$/.exec(text) ?? []
  if (createdAt !== undefined && id !== undefined) return { createdAt: Number(createdAt), id }
  throw invalid(
    '`cursor` must be the `nextCursor` of the previous page. Omit it for the first page',
  )
}
