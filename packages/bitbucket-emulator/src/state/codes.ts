import { randomBytes } from 'node:crypto'
import type { Consumer, Person } from '../seed/seed-format.ts'

/** A person's consent to a request from a consumer. */
export interface Approval {
  readonly consumer: Consumer
  readonly person: Person
  readonly scopes: readonly string[]
  /** The `redirect_uri` of the authorize request, which the exchange must repeat, or `null` if there was none. */
  readonly redirectUri: string | null
  readonly codeChallenge: string | null
}

/** The issued authorization codes. Each can be used once, within ten minutes. */
export interface Codes {
  issue(approval: Approval): string
  /**
   * Redeems a code. Returns `null` if it is unknown, used, expired, or was issued to another consumer.
   */
  take(code: string, consumer: Consumer): Approval | null
  forget(): void
}

// [?] The lifetime of a code is undocumented. RFC 6749 §4.1.2 recommends at most ten minutes.
const codeLifetime = 10 * 60 * 1000

export function createCodes(now: () => number): Codes {
  const codes = new Map<string, Approval & { expiresAt: number }>()
  return {
    issue(approval) {
      const code = randomBytes(16).toString('base64url')
      codes.set(code, { ...approval, expiresAt: now() + codeLifetime })
      return code
    },
    take(code, consumer) {
      const found = codes.get(code)
      // Keep a code that another consumer presents, so that it cannot break the owner's sign-in.
      if (!found || found.consumer !== consumer) return null
      codes.delete(code)
      return now() < found.expiresAt ? found : null
    },
    forget() {
      codes.clear()
    },
  }
}
