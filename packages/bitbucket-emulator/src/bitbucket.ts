import { randomBytes } from 'node:crypto'
import type { Consumer, Person } from './seed.ts'

/** What every route knows: who exists, which rules hold, and which codes and tokens are out. */
export interface Bitbucket {
  readonly people: readonly Person[]
  readonly consumers: readonly Consumer[]
  readonly pkce: 'ignore' | 'enforce'
  readonly clientAuth: 'basic+body' | 'basic'
  /** A code for what a person has approved, good once and for ten minutes. */
  issueCode(approval: Approval): string
  /** What a code stands for, or `null` if it is unknown, used, expired or another consumer's. */
  takeCode(code: string, consumer: Consumer): Approval | null
  issueTokens(access: Access): Tokens
  /** What an access token opens, or `null` if it is unknown or expired. */
  findAccess(accessToken: string): Access | null
  /** Forgets every code and token. */
  forget(): void
}

/** One person's yes to one consumer's request. */
export interface Approval {
  readonly consumer: Consumer
  readonly person: Person
  /** As the authorize request had it, to be repeated with the code; `null` if it had none. */
  readonly redirectUri: string | null
  readonly codeChallenge: string | null
}

export interface Access {
  readonly person: Person
  readonly scopes: readonly string[]
}

export interface Tokens {
  readonly accessToken: string
  readonly refreshToken: string
}

/** How long an access token lives, in seconds. */
export const accessTokenLifetime = 7200

// [?] How long a code lives is undocumented; ten minutes is the most that RFC 6749 §4.1.2 recommends.
const codeLifetime = 10 * 60

export function createBitbucket(
  settings: Pick<Bitbucket, 'people' | 'consumers' | 'pkce' | 'clientAuth'>,
  now: () => number,
): Bitbucket {
  const codes = new Map<string, Approval & { expiresAt: number }>()
  const accessTokens = new Map<string, Access & { expiresAt: number }>()

  return {
    ...settings,
    issueCode(approval) {
      const code = randomBytes(16).toString('base64url')
      codes.set(code, { ...approval, expiresAt: now() + codeLifetime * 1000 })
      return code
    },
    takeCode(code, consumer) {
      const found = codes.get(code)
      // A code in the wrong hands stays good for the consumer that it was made for: nobody can
      // spoil somebody else's sign-in.
      if (!found || found.consumer !== consumer) return null
      codes.delete(code)
      return now() < found.expiresAt ? found : null
    },
    issueTokens(access) {
      const accessToken = randomToken(960)
      accessTokens.set(accessToken, { ...access, expiresAt: now() + accessTokenLifetime * 1000 })
      return { accessToken, refreshToken: randomToken(1280) }
    },
    findAccess(accessToken) {
      const found = accessTokens.get(accessToken)
      return found && now() < found.expiresAt ? found : null
    },
    forget() {
      codes.clear()
      accessTokens.clear()
    },
  }
}

/**
 * Random, and in the shape and size of Bitbucket's since May 2026: a JWT of about 2,000 characters for
 * access, more than 2,500 for refresh. Nothing in it means anything, and no client may look.
 */
function randomToken(bytes: number): string {
  const header = JSON.stringify({ alg: 'RS256', typ: 'JWT' })
  const payload = JSON.stringify({ jti: randomBytes(bytes).toString('base64url') })
  const signature = randomBytes(256).toString('base64url')
  return `${encode(header)}.${encode(payload)}.${signature}`
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url')
}
