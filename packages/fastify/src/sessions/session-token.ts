import { randomBytes, timingSafeEqual } from 'node:crypto'
import { sha256 } from '../http/seal.ts'

/** The value of a session's cookie, `id.secret`: 16 and 32 random bytes, base64url. */
const TOKEN = /^([\w-]{22})\.([\w-]{43})$/
const ID = /^[\w-]{22}$/

export function newSessionId(): string {
  return randomBytes(16).toString('base64url')
}

/**
 * Returns a fresh secret for a session: the hash to store, and the cookie value for the session.
 */
export function newSecret(sessionId: string): { secretHash: string; token: string } {
  const secret = randomBytes(32).toString('base64url')
  return { secretHash: sha256(secret), token: `${sessionId}.${secret}` }
}

/** Splits the value of a session's cookie, or returns `null` if it is malformed. */
export function partsOf(token: string): { id: string; secret: string } | null {
  const [, id, secret] = TOKEN.exec(token) ?? []
  return id === undefined || secret === undefined ? null : { id, secret }
}

/** Returns whether a string can be the id of a session. Not every database accepts every string. */
export function isSessionId(text: string): boolean {
  return ID.test(text)
}

/** Compares a secret with a stored hash, in constant time. */
export function isSecret(secret: string, secretHash: string): boolean {
  const [left, right] = [Buffer.from(sha256(secret)), Buffer.from(secretHash)]
  return left.length === right.length && timingSafeEqual(left, right)
}
