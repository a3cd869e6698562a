import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider, { type ClientMetadata, type Configuration } from 'oidc-provider'
import { CookieJar } from 'tough-cookie'

/** The certified OpenID provider `oidc-provider`, on 127.0.0.1, with one client. */
export interface OpenIdProvider {
  readonly issuer: string
  /** Replaces the signing keys, as a rotation does. */
  rotate(keys: readonly object[]): void
  /**
   * Signs in and agrees, as a person does.
   * @returns the path and query of the callback, or the fields of the form that is posted to it
   */
  agree(authorizeUrl: string, login: string): Promise<Answer>
  close(): Promise<void>
}

export interface Answer {
  /** The path of the callback, with the query if the provider redirects. */
  readonly path: string
  /** Only if the provider posts its answer. */
  readonly form: Readonly<Record<string, string>> | null
}

export const OPENID_CLIENT: {
  readonly client_id: string
  readonly client_secret: string
  redirect_uris: string[]
} = {
  client_id: 'latchkey-test',
  client_secret: 'a-secret-of-the-openid-client-0123456789',
  redirect_uris: ['http://localhost:3000/auth/acme/callback'],
}

/** Returns a new private key as a JWK, for RS256, ES256 or EdDSA. */
export function signingKey(algorithm: 'RS256' | 'ES256' | 'EdDSA', kid: string): object {
  const pair = {
    RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    EdDSA: () => generateKeyPairSync('ed25519'),
  }[algorithm]() as { privateKey: KeyObject }
  return { ...pair.privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: algorithm }
}

/** @param client Replaces metadata of the client. */
export async function startOpenIdProvider(
  keys: readonly object[],
  client: Partial<ClientMetadata> = {},
  configuration: Configuration = {},
): Promise<OpenIdProvider> {
  let listener: ReturnType<Provider['callback']>
  const server = createServer((request, response) => void listener(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  function start(jwks: readonly object[]): void {
    const provider = new Provider(issuer, {
      clients: [{ ...OPENID_CLIENT, ...client }],
      jwks: { keys: jwks } as NonNullable<Configuration['jwks']>,
      claims: { openid: ['sub'], profile: ['name', 'picture'], email: ['email', 'email_verified'] },
      cookies: { keys: ['only for tests'] },
      findAccount: (_context, id) => ({
        accountId: id,
        claims: () => ({
          sub: id,
          name: `${id} Test`,
          email: `${id}@example.com`,
          email_verified: true,
          picture: 'https://images.example/one.png',
        }),
      }),
      ...configuration,
    })
    listener = provider.callback()
  }
  start(keys)

  return {
    issuer,
    rotate: start,
    agree,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

async function agree(authorizeUrl: string, login: string): Promise<Answer> {
  const jar = new CookieJar()
  let url = authorizeUrl
  let body: URLSearchParams | undefined
  for (let step = 0; step < 20; step++) {
    const response = await visit(jar, url, body)
    const location = response.headers.get('location')
    body = undefined
    if (location !== null) {
      url = new URL(location, url).href
      const { origin, pathname, search } = new URL(url)
      if (origin !== new URL(authorizeUrl).origin) return { path: pathname + search, form: null }
      continue
    }
    const page = await response.text()
    const fields = fieldsOf(page)
    const action = /<form[^>]* action="([^"]*)"/.exec(page)?.[1]
    if (action === undefined) throw new Error(`no form in the answer ${response.status}`)
    url = new URL(action.replaceAll('&amp;', '&'), url).href
    if (new URL(url).origin !== new URL(authorizeUrl).origin) {
      return { path: new URL(url).pathname, form: fields }
    }
    body = new URLSearchParams({ ...fields, ...(fields.prompt === 'login' && { login }) })
  }
  throw new Error('the provider asked for too much')
}

async function visit(
  jar: CookieJar,
  url: string,
  body: URLSearchParams | undefined,
): Promise<Response> {
  const response = await fetch(url, {
    headers: { cookie: await jar.getCookieString(url), connection: 'close' },
    redirect: 'manual',
    ...(body !== undefined && { method: 'POST', body }),
  })
  for (const cookie of response.headers.getSetCookie()) await jar.setCookie(cookie, url)
  return response
}

function fieldsOf(page: string): Record<string, string> {
  const inputs = page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)
  return Object.fromEntries([...inputs].map(([, name, value]) => [name, value]))
}
