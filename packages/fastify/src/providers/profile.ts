import { FlowError } from '../http/errors.ts'
import { isObject, type Profile } from './provider.ts'

/**
 * Returns text without control characters, cut to `longest` characters, or `null` if nothing is
 * left.
 */
export function plainText(value: unknown, longest: number): string | null {
  if (typeof value !== 'string') return null
  // Databases reject NUL, terminals execute escapes, and lone surrogates are not valid text.
  const text = value
    .toWellFormed()
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
  return text === '' ? null : [...text].slice(0, longest).join('').trimEnd()
}

/** Accepts an e-mail address verbatim or rejects it. A trimmed address could belong to someone else. */
export function addressOf(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > 320) return null
  return /^[^\s@\p{Cc}\p{Cs}]+@[^\s@\p{Cc}\p{Cs}]+$/u.test(value) ? value : null
}

export function httpsUrl(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > 2048 || !URL.canParse(value)) return null
  const url = new URL(value)
  return url.protocol === 'https:' ? url.href : null
}

/**
 * Returns what an unusable field means: `null` (the person has none) for a string or `null`, and
 * `undefined` (not returned) for a field that is missing or of another type.
 */
export function saidNone(value: unknown): null | undefined {
  return value === null || typeof value === 'string' ? null : undefined
}

export function compact(entries: Record<string, string | null>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(entries).filter((entry): entry is [string, string] => entry[1] !== null),
  )
}

/**
 * Checks the profile that a provider has read, and fills in its optional fields. A custom provider
 * may not be written in TypeScript.
 * @throws FlowError `provider_bad_answer`
 */
export function checkProfile(profile: unknown): Profile {
  if (isObject(profile) && isSubject(profile.subject)) return whole(profile as Read)
  throw new FlowError('provider_bad_answer', 'the profile has no usable subject')
}

type Read = Partial<Profile> & Pick<Profile, 'subject' | 'active'>

/**
 * Whether a subject is safe to store. A number is not: large numbers lose digits, so two people
 * could become one user.
 */
function isSubject(subject: unknown): boolean {
  return typeof subject === 'string' && /^[\x21-\x7e]{1,255}$/.test(subject)
}

/**
 * Fills in the fields that all readers rely on. A missing `name`, `email` or `avatarUrl` stays
 * missing.
 */
function whole(profile: Read): Profile {
  const { emailVerified = false, attributes = {}, raw = {}, warnings } = profile
  const sentences = Array.isArray(warnings) ? warnings : []
  return { ...profile, emailVerified, attributes, raw, warnings: sentences }
}
