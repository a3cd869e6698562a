import crypto, {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { deflateSync, inflateSync } from 'node:zlib'

const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * Longer texts are compressed before encryption, so that a long URL fits into a cookie. The length of the
 * result reveals nothing useful, because every secret in a text is random and used only once.
 */
const LONG = 1024

/** The encoding of a text before encryption. */
interface Form {
  /**
   * Authenticated together with the context. A server that does not know this form rejects the seal as if it
   * came from elsewhere.
   */
  readonly mark: string
  pack(text: string): Buffer
  unpack(bytes: Buffer): string
}

const PLAIN: Form = {
  mark: '',
  pack: (text) => Buffer.from(text),
  unpack: (bytes) => bytes.toString('utf8'),
}

const COMPRESSED: Form = {
  mark: ' deflate',
  pack: (text) => deflateSync(text),
  unpack: (bytes) => inflateSync(bytes).toString('utf8'),
}

/** Encrypts small texts for one purpose. A text that was sealed for another purpose cannot be opened. */
export interface Seal {
  /**
   * Encrypts `text` with AES-256-GCM under a fresh random nonce.
   * @param context Bound to the result, which can only be opened with the same context.
   * @returns base64url
   */
  seal(text: string, context: string): string
  /**
   * Returns the text, or `null` if `sealed` was altered, or was sealed with another secret or for
   * another context.
   */
  open(sealed: string, context: string): string | null
}

/**
 * Derives a key for `purpose` from each secret (HKDF with SHA-256, RFC 5869).
 * @param secrets The first secret encrypts, all of them decrypt, so that a secret can be rotated
 *   without downtime.
 */
export function createSeal(secrets: readonly [string, ...string[]], purpose: string): Seal {
  // Keep the keys as key objects. Node would convert a buffer on each call, which takes longer than encrypting.
  const keys = secrets.map((secret) =>
    createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `latchkey/${purpose}`, 32))),
  )

  return {
    seal(text, context) {
      const nonce = randomBytes(NONCE_BYTES)
      const { mark, pack } = text.length > LONG ? COMPRESSED : PLAIN
      const cipher = createCipheriv('aes-256-gcm', keys[0] as KeyObject, nonce)
      cipher.setAAD(Buffer.from(context + mark))
      const sealed = Buffer.concat([nonce, cipher.update(pack(text)), cipher.final()])
      return Buffer.concat([sealed, cipher.getAuthTag()]).toString('base64url')
    },

    open(sealed, context) {
      const bytes = Buffer.from(sealed, 'base64url')
      if (bytes.length < NONCE_BYTES + TAG_BYTES) return null
      // Decoding ignores invalid characters and spare bits, so many strings would decode to the
      // same seal.
      if (bytes.toString('base64url') !== sealed) return null
      const nonce = bytes.subarray(0, NONCE_BYTES)
      const tag = bytes.subarray(-TAG_BYTES)
      const text = bytes.subarray(NONCE_BYTES, -TAG_BYTES)
      for (const key of keys) {
        for (const { mark, unpack } of [PLAIN, COMPRESSED]) {
          const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
          decipher.setAAD(Buffer.from(context + mark))
          decipher.setAuthTag(tag)
          try {
            return unpack(Buffer.concat([decipher.update(text), decipher.final()]))
          } catch {
            // It was sealed with another key or in another form, or is not one of our seals.
          }
        }
      }
      return null
    },
  }
}

/** Returns the SHA-256 hash of a text in base64url: 43 characters. */
export function sha256(text: string): string {
  // Not a named import, so that a Node without it fails with our own message.
  return crypto.hash('sha256', text, 'base64url')
}
