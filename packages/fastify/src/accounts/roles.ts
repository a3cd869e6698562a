import { LatchkeyError } from '../http/errors.ts'

/** Letters, digits and the characters that separate them in names such as `billing:read`. */
const ROLE = /^[\w.:-]{1,64}$/

const MOST = 100

/** Returns whether a value can be the name of a role. */
export function isRole(value: unknown): value is string {
  return typeof value === 'string' && ROLE.test(value)
}

/**
 * Returns the roles as they are stored: sorted, without duplicates.
 * @throws LatchkeyError `LATCHKEY_ARGUMENT_INVALID`
 */
export function rolesOf(value: unknown): readonly string[] {
  if (Array.isArray(value) && value.length <= MOST && value.every(isRole)) {
    return [...new Set(value)].sort()
  }
  throw new LatchkeyError(
    'LATCHKEY_ARGUMENT_INVALID',
    `\`roles\` must be an array of at most ${MOST} names, such as ['editor']. A name has 1 to 64 letters, digits, hyphens, underscores, dots and colons.`,
  )
}
