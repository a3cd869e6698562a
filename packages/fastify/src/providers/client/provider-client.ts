import Wreck from '@hapi/wreck'
import type { FastifyInstance } from 'fastify'
import { FlowError } from '../../http/errors.ts'
import { sha256 } from '../../http/seal.ts'
import type { Answers, Profile, Provider } from '../provider.ts'
import type { Deadline } from './deadline.ts'
import { createExchangeGate, type ExchangeGate } from './exchange-gate.ts'
import { createOAuth2Source, type OAuth2Source } from './fastify-oauth2.ts'
import { createIdTokens, type IdTokens } from './id-token.ts'
import { createMetadataSource, type Metadata, type MetadataSource } from './metadata.ts'
import { keepAliveAgents, send } from './provider-http.ts'
import { readProfile } from './read-profile.ts'
import type { Ask } from './run-steps.ts'
import { type Tokens, tokensOf } from './token-answer.ts'
import {
  type CodeExchange,
  requestDirectly,
  requestThroughPlugin,
  sendsOwnRequest,
} from './token-request.ts'
import { type Claims, completeClaims } from './user-info.ts'

/**
 * What a flow needs from a provider: the authorize URL, and the exchange of a code for a profile.
 */
export interface ProviderClient {
  readonly provider: Provider
  /** Limits the exchanges in progress. Redeem a code only while holding a place. */
  readonly gate: ExchangeGate
  /** @throws FlowError if the provider's endpoints cannot be discovered */
  authorizeUrl(parameters: Authorization, deadline: Deadline): Promise<string>
  /**
   * Checks the `iss` of a callback, which tells providers apart (RFC 9207 section 2.4). Returns the
   * failure if it is another issuer's, or is missing although the provider announces it.
   * @param iss the parameter, which may be missing or repeated
   * @throws FlowError if the provider's endpoints cannot be discovered
   */
  issuerFault(iss: unknown, deadline: Deadline): Promise<FlowError | null>
  /**
   * Redeems a code, once, and reads the profile. The tokens are discarded when the promise settles.
   * @param posted The form fields that the provider sent, if it posts its answer.
   */
  redeem(exchange: CodeExchange, posted: Answers['posted'], deadline: Deadline): Promise<Profile>
}

/** The parameters of an authorization request that differ between flows. */
export interface Authorization {
  readonly redirectUri: string
  readonly state: string
  readonly codeVerifier: string
  /** OpenID Connect's `login_hint` and `prompt`. A provider may ignore them. */
  readonly hints: Readonly<Record<string, string>>
  /** Scopes of `optionalScopes` that a link asked for. */
  readonly addedScopes: readonly string[]
}

export interface ExchangeLimits {
  /** The most exchanges in progress, and the most connections to each host. */
  readonly providerConcurrency: number
  /** How long an exchange may take, in milliseconds. */
  readonly providerTimeout: number
  readonly clock: () => number
}

/** What the parts of a client share. */
interface Connection {
  readonly provider: Provider
  readonly http: typeof Wreck
  readonly metadata: MetadataSource
  readonly oauth: OAuth2Source
  readonly idTokens: IdTokens
}

/**
 * Connects a provider. Nothing is requested before its first sign-in.
 * @param app Closes the connections when it closes.
 */
export function connectProvider(
  app: FastifyInstance,
  provider: Provider,
  { providerConcurrency, providerTimeout, clock }: ExchangeLimits,
): ProviderClient {
  const agents = keepAliveAgents(providerConcurrency, providerTimeout)
  const http = Wreck.defaults({ agents })
  const timeout = providerTimeout
  const connection: Connection = {
    provider,
    http,
    metadata: createMetadataSource(provider, { http, clock, timeout, log: app.log }),
    oauth: createOAuth2Source(provider, agents),
    idTokens: createIdTokens(provider, { http, clock }),
  }
  app.addHook('onClose', async () => {
    agents.http.destroy()
    agents.https.destroy()
    await connection.oauth.close()
  })

  return {
    provider,
    gate: createExchangeGate(providerConcurrency),
    authorizeUrl: (parameters, deadline) => authorizeUrl(connection, parameters, deadline),
    issuerFault: async (iss, deadline) => {
      return issuerFault(iss, provider, await connection.metadata.read(deadline))
    },
    redeem: (exchange, posted, deadline) => redeem(connection, exchange, posted, deadline),
  }
}

async function authorizeUrl(
  { provider, metadata, oauth }: Connection,
  { redirectUri, state, codeVerifier, hints, addedScopes }: Authorization,
  deadline: Deadline,
): Promise<string> {
  const client = await oauth.read(await metadata.read(deadline))
  return client.authorizeURL({
    ...provider.authorizeParameters,
    ...hints,
    redirect_uri: redirectUri,
    scope: [...provider.scope, ...addedScopes],
    state,
    ...(provider.responseMode === 'form_post' && { response_mode: 'form_post' }),
    // https://www.rfc-editor.org/rfc/rfc7636#section-4.3
    ...(provider.pkce && { code_challenge: sha256(codeVerifier), code_challenge_method: 'S256' }),
    ...(hasNonce(provider) && { nonce: nonceOf(codeVerifier) }),
  })
}

function hasNonce({ openid, nonce }: Provider): boolean {
  return openid !== undefined && nonce
}

/**
 * Returns the nonce of a flow (OpenID Connect Core 1.0 section 15.5.2). It is derived from the
 * verifier, which is random and never leaves the server in clear text.
 */
function nonceOf(codeVerifier: string): string {
  return sha256(`nonce ${codeVerifier}`)
}

function issuerFault(
  iss: unknown,
  { openid }: Provider,
  { issuer, announcesIssuer }: Metadata,
): FlowError | null {
  if (iss === undefined && !announcesIssuer) return null
  // A template, such as Microsoft's, is compared with the ID token instead.
  const isTemplate = openid?.isIssuer !== undefined && issuer?.includes('{') === true
  if (issuer === null || isTemplate || iss === issuer) return null
  return new FlowError('provider_bad_answer', 'the callback is from another issuer (iss)')
}

async function redeem(
  connection: Connection,
  exchange: CodeExchange,
  posted: Answers['posted'],
  deadline: Deadline,
): Promise<Profile> {
  const { provider, http } = connection
  const metadata = await connection.metadata.read(deadline)
  const tokens = await requestTokens(connection, metadata, exchange, deadline)
  const ask: Ask = (request, limit) => {
    const authorization = `Bearer ${tokens.accessToken}`
    return send(http, { ...request, headers: { ...request.headers, authorization } }, limit)
  }
  const claims = await readClaims(connection, metadata, tokens, exchange, { ask, deadline })
  return readProfile(provider, { ...claims, posted }, ask, deadline)
}

async function requestTokens(
  { provider, http, oauth }: Connection,
  metadata: Metadata,
  exchange: CodeExchange,
  deadline: Deadline,
): Promise<Tokens> {
  if (sendsOwnRequest(provider)) {
    return tokensOf(await requestDirectly(http, provider, metadata.token, exchange, deadline))
  }
  const client = await oauth.read(metadata)
  return tokensOf(await requestThroughPlugin(client, provider, exchange, deadline))
}

async function readClaims(
  { provider, idTokens }: Connection,
  { keys, userInfo }: Metadata,
  { idToken }: Tokens,
  { codeVerifier }: CodeExchange,
  { ask, deadline }: { readonly ask: Ask; readonly deadline: Deadline },
): Promise<Claims> {
  const { name, openid } = provider
  if (openid === undefined || keys === null) return { claims: {}, warnings: [] }
  const nonce = hasNonce(provider) ? nonceOf(codeVerifier) : null
  const claims = await idTokens.verify(idToken, { nonce, keys }, deadline)
  const { wanted = [] } = openid
  return completeClaims(claims, { wanted, url: userInfo, name }, ask, deadline)
}
