import { randomBytes } from 'node:crypto'
import type { Behaviour } from '../rules/profiles.ts'
import type { Consumer, Person, Workspace } from '../seed/seed-format.ts'

/** What every route knows: who exists, which rules hold, and which codes and tokens are out. */
export interface Bitbucket extends Rules {
  readonly people: readonly Person[]
  readonly workspaces: readonly Workspace[]
  readonly consumers: readonly Consumer[]
  /** A code for what a person has approved, good once and for ten minutes. */
  issueCode(approval: Approval): string
  /** What a code stands for, or `null` if it is unknown, used, expired or another consumer's. */
  takeCode(code: string, consumer: Consumer): Approval | null
  issueTokens(access: Access, refreshable: 'refreshable' | 'not refreshable'): Tokens
  /** New tokens for a refresh token, or `null` if Bitbucket says no to it. */
  refresh(refreshToken: string, consumer: Consumer): (Tokens & { readonly access: Access }) | null
  /** What an access token opens. */
  findAccess(accessToken: string): Access | 'expired' | 'unknown'
  /** Forgets every code and token. */
  forget(): void
}

/** How this Bitbucket decides where two decide differently, or where nobody knows. */
export interface Rules {
  readonly behaviour: Behaviour
  readonly pkce: 'ignore' | 'enforce'
  readonly clientAuth: 'basic+body' | 'basic'
  readonly scopeParameter: 'ignore' | 'narrow'
  /** Milliseconds. */
  readonly refreshLockoutMs: number
}

/** One person's yes to one consumer's request. */
export interface Approval {
  readonly consumer: Consumer
  readonly person: Person
  readonly scopes: readonly string[]
  /** As the authorize request had it, to be repeated with the code; `null` if it had none. */
  readonly redirectUri: string | null
  readonly codeChallenge: string | null
}

export interface Access {
  readonly consumer: Consumer
  /** A consumer that signs in as itself acts as nobody: Bitbucket calls it an `app_user`. */
  readonly actsAs: Person | 'app user'
  readonly scopes: readonly string[]
}

export interface Tokens {
  readonly accessToken: string
  readonly refreshToken: string | null
}

/** How long an access token lives, in seconds. */
export const accessTokenLifetime = 7200

const minute = 60 * 1000
const day = 24 * 60 * minute

// [?] How long a code lives is undocumented; ten minutes is the most that RFC 6749 §4.1.2 recommends.
const codeLifetime = 10 * minute

// "TTL of 3 months, but are immediately expired (~10 minutes) after their first usage", says an engineer
// of Atlassian (https://github.com/git-ecosystem/git-credential-manager/pull/2433).
const refreshTokenLifetime = 90 * day
const refreshTokenAfterlife = 10 * minute

export function createBitbucket(
  settings: Rules & Pick<Bitbucket, 'people' | 'workspaces' | 'consumers'>,
  now: () => number,
): Bitbucket {
  const { behaviour, refreshLockoutMs } = settings
  const rotates = behaviour.refreshTokens === 'rotate'
  const codes = new Map<string, Approval & { expiresAt: number }>()
  const accessTokens = new Map<string, Access & { expiresAt: number }>()
  const refreshTokens = new Map<string, { access: Access; expiresAt: number }>()
  const lockouts = new Map<Consumer, number>()

  function issueTokens(access: Access, refreshable: 'refreshable' | 'not refreshable'): Tokens {
    const accessToken = randomToken(behaviour, 960)
    const expiresAt = now() + accessTokenLifetime * 1000
    accessTokens.set(accessToken, { ...access, expiresAt })
    if (refreshable === 'not refreshable') return { accessToken, refreshToken: null }
    const refreshToken = randomToken(behaviour, 1280)
    const lifetime = rotates ? refreshTokenLifetime : Number.POSITIVE_INFINITY
    refreshTokens.set(refreshToken, { access, expiresAt: now() + lifetime })
    return { accessToken, refreshToken }
  }

  return {
    ...settings,
    issueCode(approval) {
      const code = randomBytes(16).toString('base64url')
      codes.set(code, { ...approval, expiresAt: now() + codeLifetime })
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
    issueTokens,
    refresh(refreshToken, consumer) {
      if (now() < (lockouts.get(consumer) ?? 0)) return null
      const found = refreshTokens.get(refreshToken)
      if (!found || found.access.consumer !== consumer || now() >= found.expiresAt) {
        if (rotates) lockouts.set(consumer, now() + refreshLockoutMs)
        return null
      }
      const { access } = found
      if (!rotates) {
        return { access, ...issueTokens(access, 'not refreshable'), refreshToken }
      }
      found.expiresAt = Math.min(found.expiresAt, now() + refreshTokenAfterlife)
      return { access, ...issueTokens(access, 'refreshable') }
    },
    findAccess(accessToken) {
      const found = accessTokens.get(accessToken)
      if (!found) return 'unknown'
      return now() < found.expiresAt ? found : 'expired'
    },
    forget() {
      codes.clear()
      accessTokens.clear()
      refreshTokens.clear()
      lockouts.clear()
    },
  }
}

/**
 * Random, and in the shape of Bitbucket's. Since 2026 that is a JWT of about 2,000 characters for access
 * and more than 2,500 for refresh. Nothing in it means anything, and no client may look.
 */
function randomToken({ tokens }: Behaviour, bytes: number): string {
  if (tokens === 'short') return randomBytes(60).toString('base64url')
  const header = JSON.stringify({ alg: 'RS256', typ: 'JWT' })
  const payload = JSON.stringify({ jti: randomBytes(bytes).toString('base64url') })
  const signature = randomBytes(256).toString('base64url')
  return `${encode(header)}.${encode(payload)}.${signature}`
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url')
}
