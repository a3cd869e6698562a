import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { type Answer, json } from '@latchkey/bitbucket-emulator/building-blocks'
import { jwtVerify } from 'jose'
import type { Consent, Consents } from '../consents.ts'
import { clientId, clientSecret, type Double } from '../double.ts'
import type { SigningKey } from './id-token.ts'

/** Access tokens are valid for an hour. */
export const accessTokenLifetime: number = 60 * 60 * 1000

/** What the token endpoint needs. */
export interface TokenService {
  readonly codes: Consents
  readonly tokens: Consents
  readonly key: SigningKey
  readonly now: () => number
}

/** Exchanges a code for tokens (RFC 6749 section 4.1.3). */
export async function exchange(
  double: Double,
  headers: IncomingHttpHeaders,
  form: URLSearchParams,
  { codes, tokens, key, now }: TokenService,
): Promise<Answer> {
  if (!(await isAuthenticated(double, headers, form))) {
    return json(401, { error: 'invalid_client' })
  }
  if (form.get('grant_type') !== 'authorization_code') {
    return json(400, { error: 'unsupported_grant_type' })
  }
  const consent = codes.take(form.get('code') ?? '')
  if (consent === null || consent.double !== double) return invalidGrant('The code is not valid.')
  if (form.get('redirect_uri') !== consent.redirectUri) {
    return invalidGrant('redirect_uri differs from the authorize request.')
  }
  if (!isVerified(consent, form.get('code_verifier'))) {
    return invalidGrant('code_verifier does not match the code_challenge.')
  }
  return json(200, {
    access_token: tokens.issue(consent),
    token_type: 'Bearer',
    expires_in: accessTokenLifetime / 1000,
    scope: consent.scopes.join(' '),
    ...(double.sheet.openid !== undefined && { id_token: await key.idToken(consent, now()) }),
  })
}

function invalidGrant(description: string): Answer {
  return json(400, { error: 'invalid_grant', error_description: description })
}

/** Authenticates the client. Accepts only the method that the sheet uses. */
async function isAuthenticated(
  { sheet, endpoints, urls }: Double,
  headers: IncomingHttpHeaders,
  form: URLSearchParams,
): Promise<boolean> {
  if (sheet.clientAuth === 'basic') {
    const [, encoded = ''] = /^basic (.*)$/i.exec(headers.authorization ?? '') ?? []
    return Buffer.from(encoded, 'base64').toString() === `${clientId}:${clientSecret}`
  }
  if (sheet.clientAuth === 'secret_jwt') {
    const audience = urls.toEmulated(sheet.openid?.issuer ?? endpoints.token)
    const options = { issuer: clientId, subject: clientId, audience, algorithms: ['HS256'] }
    return jwtVerify(form.get('client_assertion') ?? '', Buffer.from(clientSecret), options).then(
      () => true,
      () => false,
    )
  }
  const isKnown = form.get('client_id') === clientId
  return isKnown && (sheet.clientAuth === 'none' || form.get('client_secret') === clientSecret)
}

/** RFC 7636 section 4.6. A public client must use PKCE. */
function isVerified({ double, codeChallenge }: Consent, verifier: string | null): boolean {
  if (!double.sheet.pkce || codeChallenge === null) return double.sheet.clientAuth !== 'none'
  return (
    createHash('sha256')
      .update(verifier ?? '')
      .digest('base64url') === codeChallenge
  )
}
