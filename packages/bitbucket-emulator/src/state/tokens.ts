import { randomBytes } from 'node:crypto'
import type { Behaviour } from '../rules/profiles.ts'
import type { Rules } from '../rules/rules.ts'
import type { Consumer, Person } from '../seed/seed-format.ts'

/** The permissions of an access token. */
export interface Access {
  readonly consumer: Consumer
  /** The account. A consumer that signs in as itself acts as an account that Bitbucket calls an `app_user`. */
  readonly actsAs: Person | 'app user'
  readonly scopes: readonly string[]
}

export interface TokenPair {
  readonly accessToken: string
  readonly refreshToken: string | null
}

/** The issued access and refresh tokens. */
export interface Tokens {
  issue(access: Access, refreshable: 'refreshable' | 'not refreshable'): TokenPair
  /** Returns new tokens for a refresh token, or `null` if Bitbucket rejects it. */
  refresh(
    refreshToken: string,
    consumer: Consumer,
  ): (TokenPair & { readonly access: Access }) | null
  findAccess(accessToken: string): Access | 'expired' | 'unknown'
  forget(): void
}

/** The lifetime of an access token, in seconds. */
export const accessTokenLifetime = 7200

const minute = 60 * 1000
const day = 24 * 60 * minute

// "TTL of 3 months, but are immediately expired (~10 minutes) after their first usage", according to an
// Atlassian engineer (https://github.com/git-ecosystem/git-credential-manager/pull/2433).
const refreshTokenLifetime = 90 * day
const refreshTokenAfterlife = 10 * minute

export function createTokens({ behaviour, refreshLockoutMs }: Rules, now: () => number): Tokens {
  const rotates = behaviour.refreshTokens === 'rotate'
  const accessTokens = new Map<string, Access & { expiresAt: number }>()
  const refreshTokens = new Map<string, { access: Access; expiresAt: number }>()
  const lockouts = new Map<Consumer, number>()

  function issueAccessToken(access: Access): string {
    const accessToken = randomToken(behaviour, 960)
    accessTokens.set(accessToken, { ...access, expiresAt: now() + accessTokenLifetime * 1000 })
    return accessToken
  }

  function issueRefreshToken(access: Access): string {
    const refreshToken = randomToken(behaviour, 1280)
    const lifetime = rotates ? refreshTokenLifetime : Number.POSITIVE_INFINITY
    refreshTokens.set(refreshToken, { access, expiresAt: now() + lifetime })
    return refreshToken
  }

  return {
    issue(access, refreshable) {
      return {
        accessToken: issueAccessToken(access),
        refreshToken: refreshable === 'refreshable' ? issueRefreshToken(access) : null,
      }
    },
    refresh(refreshToken, consumer) {
      if (now() < (lockouts.get(consumer) ?? 0)) return null
      const found = refreshTokens.get(refreshToken)
      if (!found || found.access.consumer !== consumer || now() >= found.expiresAt) {
        if (rotates) lockouts.set(consumer, now() + refreshLockoutMs)
        return null
      }
      const { access } = found
      if (!rotates) return { access, accessToken: issueAccessToken(access), refreshToken }
      found.expiresAt = Math.min(found.expiresAt, now() + refreshTokenAfterlife)
      return {
        access,
        accessToken: issueAccessToken(access),
        refreshToken: issueRefreshToken(access),
      }
    },
    findAccess(accessToken) {
      const found = accessTokens.get(accessToken)
      if (!found) return 'unknown'
      return now() < found.expiresAt ? found : 'expired'
    },
    forget() {
      accessTokens.clear()
      refreshTokens.clear()
      lockouts.clear()
    },
  }
}

/**
 * Returns a random token in the format of Bitbucket's tokens. Since 2026, that is a JWT, with about 2,000 characters
 * for access and more than 2,500 for refresh. Its contents are meaningless; clients must not read them.
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
