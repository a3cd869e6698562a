import { randomBytes } from 'node:crypto'
import type { Double } from './double.ts'
import type { EmulatedPerson } from './person.ts'

/** A person's consent to an authorize request. */
export interface Consent {
  readonly double: Double
  readonly person: EmulatedPerson
  readonly scopes: readonly string[]
  readonly redirectUri: string
  readonly codeChallenge: string | null
  readonly nonce: string | null
}

/** Issued codes or tokens. */
export interface Consents {
  issue(consent: Consent): string
  /** Returns the consent of a valid token. */
  find(token: string): Consent | null
  /** Returns the consent of a valid code, which works once. */
  take(code: string): Consent | null
}

/** @param lifetime In milliseconds */
export function createConsents(lifetime: number, now: () => number): Consents {
  const issued = new Map<string, { consent: Consent; expiresAt: number }>()
  function find(secret: string): Consent | null {
    const found = issued.get(secret)
    return found !== undefined && now() < found.expiresAt ? found.consent : null
  }
  return {
    find,
    issue(consent) {
      const secret = randomBytes(24).toString('base64url')
      issued.set(secret, { consent, expiresAt: now() + lifetime })
      return secret
    },
    take(code) {
      const consent = find(code)
      issued.delete(code)
      return consent
    },
  }
}
