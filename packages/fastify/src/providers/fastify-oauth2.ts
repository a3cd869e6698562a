import debug from 'debug'
import type { FastifyInstance } from 'fastify'
import type { Provider } from './provider.ts'
import { type Agents, MAX_ANSWER_BYTES } from './provider-http.ts'

/**
 * The part of simple-oauth2 that is used. @fastify/oauth2 exposes it, but omits it from its types.
 */
export interface AuthorizationCodeGrant {
  authorizeURL(parameters: Record<string, string | string[]>): string
  getToken(
    parameters: Record<string, string>,
    options: { timeout: number },
  ): Promise<{ readonly token: unknown }>
}

export async function registerOAuth2(
  app: FastifyInstance,
  provider: Provider,
  agents: Agents,
): Promise<AuthorizationCodeGrant> {
  keepOutOfDebugOutput()
  // Imported by name, and only here, so that a bundle contains it.
  const { default: oauth2 } = await import('@fastify/oauth2')
  const authorize = new URL(provider.authorizeUrl)
  const token = new URL(provider.tokenUrl)
  await app.register(oauth2, {
    name: provider.id,
    scope: [...provider.scope],
    // Required by the plugin's options. Only its own callback handling, which is unused, would read
    // it.
    callbackUri: 'https://unused.invalid',
    userAgent: 'latchkey',
    credentials: {
      client: { id: provider.clientId, secret: provider.clientSecret },
      auth: {
        authorizeHost: authorize.origin,
        authorizePath: authorize.pathname,
        tokenHost: token.origin,
        tokenPath: token.pathname,
      },
      http: { agents, maxBytes: MAX_ANSWER_BYTES, redirects: 0 },
    },
  })
  const decorated = app as unknown as Record<string, { oauth2: AuthorizationCodeGrant }>
  return (decorated[provider.id] as { oauth2: AuthorizationCodeGrant }).oauth2
}

/**
 * Excludes simple-oauth2 from `DEBUG=*`, because it prints its requests, including the client
 * secret. `enable()` also sets the environment variable, so that a copy of `debug` that is loaded
 * later excludes it too.
 */
function keepOutOfDebugOutput(): void {
  const given = `${process.env.DEBUG ?? ''},${debug.disable()}`.split(/[\s,]+/).filter(Boolean)
  if (given.length > 0) debug.enable([...new Set([...given, '-simple-oauth2*'])].join(','))
}
