import { isObject } from '../providers/provider.ts'

/** The longest name that a person can enter, in characters. */
const LONGEST = 200

/** The changes that a person can make to their own profile. */
export interface ProfileChanges {
  readonly name?: string
}

/** Returns the changes in the body of `PATCH /user`, or `null` if the body is invalid. */
export function changesIn(body: unknown): ProfileChanges | null {
  if (!isObject(body) || Object.keys(body).some((field) => field !== 'name')) return null
  const { name } = body
  if (name === undefined) return {}
  return isName(name) ? { name: name.trim() } : null
}

/** Returns whether a value can be a name: text of 1 to 200 characters, on one line. */
export function isName(value: unknown): value is string {
  if (typeof value !== 'string' || !value.isWellFormed()) return false
  const name = value.trim()
  // Reject control characters and line separators. Names in some languages contain other invisible characters.
  return name !== '' && name.length <= LONGEST && !/[\p{Cc}\u2028\u2029]/u.test(name)
}
