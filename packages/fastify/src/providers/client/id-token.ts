import type Wreck from '@hapi/wreck'
import type { FlattenedJWSInput, JWK, JWTHeaderParameters, JWTPayload, JWTVerifyGetKey } from 'jose'
import { FlowError } from '../../http/errors.ts'
import { isObject, type Provider, type Row } from '../provider.ts'
import type { Deadline } from './deadline.ts'
import { jsonOf, type ProviderRequest, send } from './provider-http.ts'

/** Checks the ID tokens of one provider. */
export interface IdTokens {
  /**
   * Verifies an ID token (OpenID Connect Core 1.0 section 3.1.3.7).
   * @param expected.nonce `null` if the provider repeats none.
   * @param expected.keys The URL of the provider's keys.
   * @returns its claims
   * @throws FlowError `provider_bad_answer`, or `provider_unavailable` if the keys cannot be read
   */
  verify(
    idToken: unknown,
    expected: { readonly nonce: string | null; readonly keys: string },
    deadline: Deadline,
  ): Promise<Row>
}

/** Asymmetric algorithms only. A public key could otherwise be used as an HMAC secret. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]

/** How far the provider's clock may be ahead or behind, in seconds. */
const CLOCK_TOLERANCE = 5 * 60

/** How old an ID token may be, in seconds. It comes straight from the token request. */
const MAX_AGE = 10 * 60

/** Longer tokens are rejected unread, in characters. */
const LONGEST = 16 * 1024

interface Dependencies {
  readonly http: typeof Wreck
  readonly clock: () => number
}

export function createIdTokens(provider: Provider, { http, clock }: Dependencies): IdTokens {
  const keySet = createKeySet(http, clock)

  return {
    async verify(idToken, { nonce, keys }, deadline) {
      if (typeof idToken !== 'string') throw rejected('the token response has no id_token')
      if (idToken.length > LONGEST) throw rejected('the ID token is too long')
      const { jwtVerify, errors } = await import('jose')
      const getKey: JWTVerifyGetKey = (header, token) => keySet.find(keys, header, token, deadline)
      const { payload } = await jwtVerify(idToken, getKey, {
        algorithms: ALGORITHMS,
        audience: String(provider.clientId),
        clockTolerance: CLOCK_TOLERANCE,
        currentDate: new Date(clock()),
        maxTokenAge: MAX_AGE,
        requiredClaims: ['iss', 'sub', 'exp', 'iat'],
      }).catch((error: unknown) => {
        if (error instanceof FlowError) throw error
        // The code is a word of jose's own, such as ERR_JWT_EXPIRED.
        const code = error instanceof errors.JOSEError ? error.code : 'unknown'
        const claim = error instanceof errors.JWTClaimValidationFailed ? ` (${error.claim})` : ''
        throw rejected(`the ID token was rejected: ${code}${claim}`)
      })
      if (typeof payload.sub !== 'string') throw rejected('the ID token has no usable sub')
      checkIssuer(provider, payload)
      checkParty(provider, payload)
      if (nonce !== null && payload.nonce !== nonce)
        throw rejected('the ID token has another nonce')
      return payload
    },
  }
}

function checkIssuer({ openid }: Provider, claims: Row): void {
  const { iss } = claims
  const isKnown =
    typeof iss === 'string' &&
    (openid?.isIssuer === undefined
      ? iss === openid?.issuer
      : openid.isIssuer(iss, claims) === true)
  if (!isKnown) throw rejected('the ID token is from another issuer')
}

/** The authorized party must be this client, and be named if there are several audiences. */
function checkParty({ clientId }: Provider, { aud, azp }: Row): void {
  const needsParty = Array.isArray(aud) && aud.length > 1
  if (azp === clientId || (azp === undefined && !needsParty)) return
  throw rejected('the ID token is for another party (azp)')
}

function rejected(reason: string): FlowError {
  return new FlowError('provider_bad_answer', reason)
}

type Keys = JWTVerifyGetKey

interface KeySet {
  find(
    url: string,
    header: JWTHeaderParameters,
    token: FlattenedJWSInput,
    deadline: Deadline,
  ): ReturnType<Keys>
}

/** How long keys are used before they are requested again, in milliseconds. */
const KEYS_FRESH_FOR = 10 * 60 * 1000

/** How long after a request an unknown key causes another one, in milliseconds. */
const COOL_DOWN = 30 * 1000

/**
 * Keeps a provider's keys. An unknown key is looked up again, because providers rotate their keys,
 * but not more often than the cool-down allows. Keys come from the URL of the discovery document
 * only, never from the header of a token.
 */
function createKeySet(http: typeof Wreck, clock: () => number): KeySet {
  let known: { readonly url: string; readonly keys: Keys; readonly at: number } | null = null

  async function load(url: string, deadline: Deadline): Promise<Keys> {
    const keys = await requestKeys(http, url, deadline)
    known = { url, keys, at: clock() }
    return keys
  }

  return {
    async find(url, header, token, deadline) {
      const age = known?.url === url ? clock() - known.at : Number.POSITIVE_INFINITY
      if (known === null || age > KEYS_FRESH_FOR) return (await load(url, deadline))(header, token)
      try {
        return await known.keys(header, token)
      } catch (error) {
        const { errors } = await import('jose')
        if (!(error instanceof errors.JWKSNoMatchingKey) || age < COOL_DOWN) throw error
        return (await load(url, deadline))(header, token)
      }
    },
  }
}

async function requestKeys(http: typeof Wreck, url: string, deadline: Deadline): Promise<Keys> {
  const { createLocalJWKSet, decodeJwt, errors } = await import('jose')
  const request: ProviderRequest = { method: 'GET', url }
  const answer = await deadline.cut(send(http, request, deadline))
  const document = jsonOf(request, answer)
  if (answer.status !== 200 || !isObject(document) || !Array.isArray(document.keys)) {
    throw rejected(`the provider's keys answered ${answer.status} without keys`)
  }
  const { keys } = document as unknown as { keys: (JWK & { readonly issuer?: unknown })[] }
  try {
    const all = createLocalJWKSet({ keys })
    if (keys.every(({ issuer }) => issuer === undefined)) return all
    return (header, token) => {
      const claims = decodeJwt(`${token.protected}.${token.payload}.${token.signature}`)
      return createLocalJWKSet({ keys: keys.filter((key) => isKeyOf(key, claims)) })(header, token)
    }
  } catch (error) {
    if (error instanceof errors.JOSEError) throw rejected("the provider's keys are malformed")
    throw error
  }
}

/**
 * Whether a key may sign these claims. Microsoft publishes the keys of all tenants in one document,
 * and limits a key to the `issuer` that it names:
 * https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-the-issuer
 */
function isKeyOf({ issuer }: Row, { iss, tid }: JWTPayload): boolean {
  if (issuer === undefined) return true
  if (typeof issuer !== 'string') return false
  return iss === (typeof tid === 'string' ? issuer.replace('{tenantid}', () => tid) : issuer)
}
