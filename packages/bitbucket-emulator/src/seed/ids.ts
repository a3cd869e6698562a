import { createHash } from 'node:crypto'

/** Returns 128 hexadecimal digits, which are always the same for the same text. */
export function digestOf(text: string): string {
  return createHash('sha512').update(text).digest('hex')
}

/**
 * Returns a uuid in braces, which is how Bitbucket writes it. It is always the same for the same text. It has version
 * 8, the version for custom hashes (RFC 9562 §5.8).
 */
export function uuidFrom(text: string): string {
  const pattern = /^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/
  return `{${digestOf(text).replace(pattern, '$1-$2-8$3-8$4-$5')}}`
}
