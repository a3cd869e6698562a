import { randomBytes } from 'node:crypto'
import type { Consumer, Person } from '../seed/seed-format.ts'

/** One person's yes to one consumer's request. */
export interface Approval {
  readonly consumer: Consumer
  readonly person: Person
  readonly scopes: readonly string[]
  /** As in the authorize request, to be repeated with the code; `null` if it had none. */
  readonly redirectUri: string | null
  readonly codeChallenge: string | null
}

/** Authorization codes. Each is valid once and for ten minutes. */
export interface Codes {
  issue(approval: Approval): string
  /**
   * Redeems a code. Returns `null` if it is unknown, used or expired, or was issued to another consumer.
   */
  take(code: string, consumer: Consumer): Approval | null
  forget(): void
}

// [?] How long a code lives is undocumented; ten minutes is the most that RFC 6749 §4.1.2 recommends.
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
      // A code in the wrong hands stays valid for the consumer that it was issued to, so that nobody can
      // spoil somebody else's sign-in.
      if (!found || found.consumer !== consumer) return null
      codes.delete(code)
      return now() < found.expiresAt ? found : null
    },
    forget() {
      codes.clear()
    },
  }
}
