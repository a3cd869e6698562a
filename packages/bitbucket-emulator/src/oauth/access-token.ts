import { createHash } from 'node:crypto'
import { type Answer, json, type Received, wordOf } from '../http/http.ts'
import { message } from '../pages/page.ts'
import type { Behaviour } from '../rules/profiles.ts'
import type { Consumer, Person } from '../seed/seed-format.ts'
import type { Bitbucket } from '../state/bitbucket.ts'
import type { Approval } from '../state/codes.ts'
import { type Access, accessTokenLifetime, type TokenPair } from '../state/tokens.ts'

/**
 * `POST /site/oauth2/access_token`: issues tokens for a code, a refresh token, or the client's own
 * credentials. Like Bitbucket, it checks the grant type first, then the client, then the code or token,
 * and never returns RFC 6749's `invalid_client`.
 */
export function exchange(request: Received, bitbucket: Bitbucket): Answer {
  if (isPageRequest(request)) {
    // [?] The status of this page is unknown.
    return message(400, 'OpenID transaction in progress', 'Send the parameters as a form.')
  }
  const form = request.form ?? new URLSearchParams()
  const grantType = form.get('grant_type') ?? ''
  if (grantType === 'password') {
    return error(401, 'invalid_request', 'Invalid resource owner username/password')
  }
  const redeem = grants.get(grantType)
  if (!redeem) {
    return error(400, 'invalid_grant', `Unsupported grant type: ${wordOf(grantType) || 'None'}`)
  }
  const consumer = authenticate(request, form, bitbucket)
  if ('status' in consumer) return consumer
  const redeemed = redeem(form, consumer, bitbucket)
  return 'status' in redeemed ? redeemed : tokenAnswer(grantType, redeemed, bitbucket.behaviour)
}

interface Redeemed extends TokenPair {
  readonly access: Access
}

type Grant = (form: URLSearchParams, consumer: Consumer, bitbucket: Bitbucket) => Redeemed | Answer

const grants: ReadonlyMap<string, Grant> = new Map([
  ['authorization_code', redeemCode],
  ['refresh_token', redeemRefreshToken],
  ['client_credentials', redeemOwnCredentials],
])

/**
 * Returns whether Bitbucket would respond with a page of its website, which it does if the scheme is Bearer, or if the
 * parameters are in the query instead of a form.
 */
function isPageRequest({ headers, query, form }: Received): boolean {
  if (/^bearer /i.test(headers.authorization ?? '')) return true
  if (form?.has('grant_type')) return false
  return ['grant_type', 'code', 'client_id', 'client_secret'].some((name) => query.has(name))
}

function redeemCode(
  form: URLSearchParams,
  consumer: Consumer,
  bitbucket: Bitbucket,
): Redeemed | Answer {
  const approval = bitbucket.codes.take(form.get('code') ?? '', consumer)
  if (!approval) return error(400, 'invalid_grant', 'The specified code is not valid.')
  // [?] Bitbucket's responses to these two are unknown. The code is from RFC 6749. The texts are ours.
  if (form.get('redirect_uri') !== approval.redirectUri) {
    return error(400, 'invalid_grant', 'redirect_uri differs from the authorize request.')
  }
  if (bitbucket.pkce === 'enforce' && !isVerified(approval, form.get('code_verifier'))) {
    return error(400, 'invalid_grant', 'code_verifier does not match the code_challenge.')
  }
  const access = { consumer, actsAs: approval.person, scopes: approval.scopes }
  return { access, ...bitbucket.tokens.issue(access, 'refreshable') }
}

/**
 * Exchanges a refresh token. Since 2026, a dead one gets the same response as a wrong secret, so a client
 * cannot distinguish the two. [?] The status of both responses is unpublished. Related errors have the status 400.
 */
function redeemRefreshToken(
  form: URLSearchParams,
  consumer: Consumer,
  bitbucket: Bitbucket,
): Redeemed | Answer {
  const redeemed = bitbucket.tokens.refresh(form.get('refresh_token') ?? '', consumer)
  if (redeemed) return redeemed
  return bitbucket.behaviour.refreshTokens === 'rotate'
    ? wrongCredentials
    : error(400, 'invalid_request', 'Invalid refresh_token')
}

/** Issues tokens for `client_credentials`, with which the client acts as itself. */
function redeemOwnCredentials(
  _form: URLSearchParams,
  consumer: Consumer,
  bitbucket: Bitbucket,
): Redeemed | Answer {
  if (!consumer.isPrivate) {
    return error(
      400,
      'invalid_grant',
      'Cannot use client_credentials with a consumer marked as "public". Calls for auto generated consumers should use urn:bitbucket:oauth2:jwt instead.',
    )
  }
  const { scopes } = consumer
  if (bitbucket.behaviour.clientCredentials === 'app user, no refresh token') {
    const access = { consumer, actsAs: 'app user', scopes } as const
    return { access, ...bitbucket.tokens.issue(access, 'not refreshable') }
  }
  const access = { consumer, actsAs: ownerOf(consumer, bitbucket), scopes }
  return { access, ...bitbucket.tokens.issue(access, 'refreshable') }
}

function ownerOf({ workspace }: Consumer, { people }: Bitbucket): Person {
  const owner = people.find(({ nickname }) => nickname === workspace.owners[0])
  if (!owner) throw new Error(`The workspace ${workspace.slug} has no owner.`)
  return owner
}

/** Returns the consumer whose credentials are in the Basic header or in the form. */
function authenticate(
  { headers }: Received,
  form: URLSearchParams,
  { consumers, clientAuth }: Bitbucket,
): Consumer | Answer {
  const inForm =
    clientAuth === 'basic' ? null : { id: form.get('client_id'), secret: form.get('client_secret') }
  const credentials = readBasic(headers.authorization) ?? inForm
  if (!credentials || credentials.id === null || credentials.secret === null) {
    // [?] The status of this error is unpublished. Related errors have the status 400.
    const cure = 'Requests must be authenticated using OAuth client credentials'
    return error(400, 'unauthorized_client', cure)
  }
  const consumer = consumers.find(
    ({ clientId, clientSecret }) =>
      clientId === credentials.id && clientSecret === credentials.secret,
  )
  if (!consumer) return wrongCredentials
  if (consumer.callbackUrl === undefined) {
    return error(400, 'invalid_request', 'No callback uri defined for the OAuth client.')
  }
  return consumer
}

/**
 * Returns the credentials of a Basic header. According to RFC 6749 §2.3.1, each is encoded like a form field. Few
 * clients do that, and it makes no difference for letters and digits.
 */
function readBasic(authorization = ''): { id: string; secret: string } | null {
  const encoded = /^basic +(.+)$/i.exec(authorization)?.[1]
  if (encoded === undefined) return null
  const [id = '', ...secret] = Buffer.from(encoded, 'base64').toString().split(':')
  return { id: decodeField(id), secret: decodeField(secret.join(':')) }
}

function decodeField(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

// Reject a verifier without a challenge too: an attacker may have removed the challenge from the authorize
// request (RFC 9700 §4.8.2).
function isVerified({ codeChallenge }: Approval, verifier: string | null): boolean {
  if (codeChallenge === null || verifier === null) return codeChallenge === verifier
  return createHash('sha256').update(verifier).digest('base64url') === codeChallenge
}

// `state` is the grant type, not the client's `state`. [?] Whether it still exists after the 2026 changes is unknown.
function tokenAnswer(
  grantType: string,
  { access, accessToken, refreshToken }: Redeemed,
  { scopeField }: Behaviour,
): Answer {
  return json(200, {
    [scopeField]: access.scopes.join(' '),
    access_token: accessToken,
    expires_in: accessTokenLifetime,
    token_type: 'bearer',
    state: grantType,
    ...(refreshToken !== null && { refresh_token: refreshToken }),
  })
}

const wrongCredentials = error(400, 'unauthorized_client', 'Invalid OAuth client credentials')

function error(status: number, code: string, description: string): Answer {
  return json(status, { error_description: description, error: code })
}
