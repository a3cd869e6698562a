import { randomUUID } from 'node:crypto'
import type Wreck from '@hapi/wreck'
import { FlowError } from '../../http/errors.ts'
import { isObject, type Provider } from '../provider.ts'
import type { Deadline } from './deadline.ts'
import type { OAuth2 } from './fastify-oauth2.ts'
import { jsonOf, type ProviderRequest, send } from './provider-http.ts'
import { errorWord, tokenFailure } from './token-answer.ts'

/** The parameters of a token request (RFC 6749 section 4.1.3, RFC 7636 section 4.5). */
export interface CodeExchange {
  readonly code: string
  readonly redirectUri: string
  readonly codeVerifier: string
}

/**
 * Whether Latchkey sends the token request itself, because @fastify/oauth2 cannot: it always sends
 * a secret, and the same one in every request.
 */
export function sendsOwnRequest({ clientAuth, clientSecret }: Provider): boolean {
  return clientAuth === 'none' || clientAuth === 'secret_jwt' || typeof clientSecret === 'function'
}

/**
 * Exchanges a code through @fastify/oauth2.
 * @returns the parsed response
 * @throws FlowError
 */
export async function requestThroughPlugin(
  oauth: OAuth2,
  provider: Provider,
  { code, redirectUri, codeVerifier }: CodeExchange,
  deadline: Deadline,
): Promise<unknown> {
  const request = oauth.getToken(
    {
      code,
      redirect_uri: redirectUri,
      ...(provider.pkce && { code_verifier: codeVerifier }),
    },
    { timeout: deadline.remaining() },
  )
  // Also runs after the deadline, because it closes the rest of the connection.
  const answered = request.catch((error: unknown) => {
    throw tokenFailure(error)
  })
  return (await deadline.cut(answered)).token
}

/**
 * Exchanges a code without @fastify/oauth2.
 * @returns the parsed response
 * @throws FlowError
 */
export async function requestDirectly(
  http: typeof Wreck,
  provider: Provider,
  url: string,
  { code, redirectUri, codeVerifier }: CodeExchange,
  deadline: Deadline,
): Promise<unknown> {
  const { headers, fields } = await credentialsOf(provider, url)
  const form = new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    ...(provider.pkce && { code_verifier: codeVerifier }),
    ...fields,
  })
  const request: ProviderRequest = {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: form.toString(),
  }
  const answer = await deadline.cut(send(http, request, deadline))
  if (answer.status === 200) return jsonOf(request, answer)
  const said = `the token endpoint answered ${answer.status}`
  if (answer.status < 400) throw new FlowError('provider_bad_answer', said)
  throw new FlowError('provider_refused', `${said} ${errorWord(jsonOrNull(answer.text))}`)
}

interface Credentials {
  readonly headers?: Readonly<Record<string, string>>
  readonly fields?: Readonly<Record<string, string>>
}

async function credentialsOf(provider: Provider, url: string): Promise<Credentials> {
  const { clientAuth } = provider
  const clientId = String(provider.clientId)
  if (clientAuth === 'none') return { fields: { client_id: clientId } }
  const secret = await secretOf(provider)
  if (clientAuth === 'post') return { fields: { client_id: clientId, client_secret: secret } }
  if (clientAuth === 'basic') {
    // Each half is encoded as a form first (RFC 6749 section 2.3.1).
    const pair = [clientId, secret].map((half) =>
      new URLSearchParams([['', half]]).toString().slice(1),
    )
    return { headers: { authorization: `Basic ${btoa(pair.join(':'))}` } }
  }
  return {
    fields: {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await assertionOf(clientId, secret, url),
    },
  }
}

async function secretOf({ clientSecret }: Provider): Promise<string> {
  const secret = typeof clientSecret === 'function' ? await clientSecret() : clientSecret
  if (typeof secret === 'string' && /^[\x21-\x7e]+$/.test(secret)) return secret
  throw new Error('`clientSecret` must return printable ASCII without spaces')
}

/** Returns a `client_secret_jwt`, valid for a minute (OpenID Connect Core 1.0 section 9). */
async function assertionOf(clientId: string, secret: string, audience: string): Promise<string> {
  const { SignJWT } = await import('jose')
  return new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime('1 minute')
    .sign(new TextEncoder().encode(secret))
}

function jsonOrNull(text: string): Record<string, unknown> | null {
  try {
    const body: unknown = JSON.parse(text)
    return isObject(body) ? body : null
  } catch {
    return null
  }
}
