import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { LightMyRequestResponse } from 'fastify'
import { exportJWK, exportSPKI, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import type { Browser } from './browser.ts'

/** An OpenID provider that sends whatever a test wants. By default, it signs everyone in. */
export interface HostileOpenId {
  readonly issuer: string
  /** The client's id at this provider. */
  readonly clientId: string
  /** The discovery document. Change it. */
  document: Record<string, unknown>
  /** The published keys. Change them. */
  keys: JWK[]
  /** Returns the ID token for the standard claims. Replace it. */
  idToken: (claims: JWTPayload) => string | Promise<string>
  userInfo: Record<string, unknown>
  /** Returns the provider's time in milliseconds. */
  clock: () => number
  /** Answers a path in place of the usual answer. */
  readonly instead: Map<string, (request: IncomingMessage, response: ServerResponse) => void>
  /** The requests so far, such as `POST /token`. */
  readonly requests: readonly string[]
  /** Signs claims with a published key. */
  sign(claims: JWTPayload, header?: Readonly<Record<string, unknown>>): Promise<string>
  /** The signing key, as PEM. */
  readonly publicPem: string
  /** Signs in, and returns the response to the callback. */
  signIn(browser: Browser, added?: string): Promise<LightMyRequestResponse>
  close(): Promise<void>
}

export async function startHostileOpenId(id: string = 'acme'): Promise<HostileOpenId> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
  const key: JWK = { ...(await exportJWK(publicKey)), kid: 'first', alg: 'RS256', use: 'sig' }
  const requests: string[] = []
  const instead: HostileOpenId['instead'] = new Map()
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  let nonce: string | null = null

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = String(request.url).split('?')[0] ?? ''
    requests.push(`${request.method} ${path}`)
    request.resume()
    const other = instead.get(path)
    if (other !== undefined) return other(request, response)
    const body = await bodyOf(path)
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body ?? {}))
  }

  async function bodyOf(path: string): Promise<unknown> {
    if (path === '/.well-known/openid-configuration') return hostile.document
    if (path === '/keys') return { keys: hostile.keys }
    if (path === '/userinfo') return hostile.userInfo
    if (path !== '/token') return undefined
    const now = Math.floor(hostile.clock() / 1000)
    const claims = {
      iss: issuer,
      aud: hostile.clientId,
      sub: 'ada',
      iat: now,
      exp: now + 60,
      nonce,
    }
    const idToken = await hostile.idToken(claims as JWTPayload)
    return { access_token: 'an-access-token', token_type: 'Bearer', id_token: idToken }
  }

  const hostile: HostileOpenId = {
    issuer,
    clientId: 'latchkey-test',
    document: {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/keys`,
      userinfo_endpoint: `${issuer}/userinfo`,
    },
    keys: [key],
    idToken: (claims) => hostile.sign(claims),
    userInfo: { sub: 'ada', name: 'Ada Test', email: 'ada@example.com', email_verified: true },
    clock: Date.now,
    instead,
    requests,
    publicPem: await exportSPKI(publicKey),
    sign: (claims, header = {}) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'RS256', kid: 'first', ...header })
        .sign(privateKey),
    async signIn(browser, added = '') {
      const started = await browser.get(`/auth/${id}/start`)
      const url = new URL(String(started.headers.location), browser.origin)
      // A start that failed has no state.
      if (!url.searchParams.has('state')) return started
      nonce = url.searchParams.get('nonce')
      const state = url.searchParams.get('state')
      return browser.get(`/auth/${id}/callback?code=a-code-of-acme&state=${state}${added}`)
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return hostile
}
