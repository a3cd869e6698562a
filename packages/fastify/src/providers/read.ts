import { isObject, type Row } from './provider.ts'

/**
 * Reads values from a provider's response. Each function returns the value if it is usable, and
 * `null` if the person has none. A text that cannot be used, such as an `http:` picture or a
 * malformed address, also counts as none. If the field is missing or has another type, the result
 * is `undefined`, which keeps the stored value.
 *
 * @example
 * profile({ user }) {
 *   return {
 *     subject: read.id(user.id),
 *     name: read.name(user.name, user.login),
 *     email: read.email(user.email),
 *     avatarUrl: read.url(user.avatar_url),
 *     active: read.flag(user.suspended) !== true,
 *   }
 * }
 */
export const read: {
  readonly text: typeof text
  readonly name: typeof name
  readonly email: typeof email
  readonly url: typeof url
  readonly flag: typeof flag
  readonly id: typeof id
  readonly object: typeof object
} = { text, name, email, url, flag, id, object }

/** A text about the person. Control characters become spaces, and a text over 200 characters is cut. */
function text(value: unknown, longest: number = 200): string | null | undefined {
  if (typeof value !== 'string') return absence(value)
  // Databases reject NUL, terminals execute escapes, and lone surrogates are not valid text.
  const clean = value
    .toWellFormed()
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
  return clean === '' ? null : [...clean].slice(0, longest).join('').trimEnd()
}

/**
 * The first of several names that the person has. A name that the provider did not return ends the
 * search, so that a later one does not replace a stored name.
 */
function name(...values: readonly unknown[]): string | null | undefined {
  const found = values.map((value) => text(value))
  const first = found.find((one) => one !== null)
  return first === undefined && found.includes(undefined) ? undefined : (first ?? null)
}

/** Accepts an e-mail address verbatim or rejects it. A trimmed address could belong to someone else. */
function email(value: unknown): string | null | undefined {
  if (typeof value !== 'string') return absence(value)
  const isAddress = /^[^\s@\p{Cc}\p{Cs}]+@[^\s@\p{Cc}\p{Cs}]+$/u.test(value)
  return isAddress && value.length <= 320 ? value : null
}

/** An `https:` URL of at most 2,048 characters. */
function url(value: unknown): string | null | undefined {
  if (typeof value !== 'string') return absence(value)
  const parsed = value.length > 2048 ? null : URL.parse(value)
  return parsed?.protocol === 'https:' ? parsed.href : null
}

/** A boolean, also as the text `true` or `false`. */
function flag(value: unknown): boolean | null | undefined {
  if (typeof value === 'boolean') return value
  if (value === 'true' || value === 'false') return value === 'true'
  return absence(value)
}

/**
 * An id as text, for `subject`. A number beyond 2^53 is unusable, because JSON has already rounded
 * it: two people could become one.
 */
function id(value: unknown): string | null | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : undefined
  return typeof value === 'string' && value !== '' ? value : absence(value)
}

/** A nested object, or an empty one if the value is no object. */
function object(value: unknown): Row {
  return isObject(value) ? value : {}
}

/** Returns `null` (there is none) for `null` and unusable text, and `undefined` (not returned). */
function absence(value: unknown): null | undefined {
  return value === null || typeof value === 'string' ? null : undefined
}
