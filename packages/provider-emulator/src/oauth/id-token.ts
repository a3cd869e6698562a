import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import type { Consent } from '../consents.ts'
import { clientId } from '../double.ts'

/** The emulator's key, and what it signs. */
export interface SigningKey {
  readonly jwk: JWK
  /** @param now Milliseconds since the Unix epoch */
  idToken(consent: Consent, now: number): Promise<string>
}

const kid = 'emulator'

export async function createSigningKey(): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair('RS256')
  return {
    jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' },
    idToken({ double, person, nonce }, now) {
      const { sheet, urls } = double
      const issuer = String(person.claims?.iss ?? sheet.openid?.issuer)
      const issuedAt = Math.floor(now / 1000)
      return new SignJWT({ ...person.claims, ...(nonce !== null && { nonce }) })
        .setProtectedHeader({ alg: 'RS256', kid })
        .setIssuer(urls.toEmulated(issuer))
        .setAudience(clientId)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + 60 * 60)
        .sign(privateKey)
    },
  }
}
