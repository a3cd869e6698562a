import { createRequire } from 'node:module'
import oauth2 from '@fastify/oauth2'
import type { FastifyInstance } from 'fastify'
import type { Provider } from './provider.ts'
import { type Agents, MAX_ANSWER_BYTES } from './provider-http.ts'

/** The part of simple-oauth2 that is used; @fastify/oauth2 offers it and leaves it out of its types. */
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
  const authorize = new URL(provider.authorizeUrl)
  const token = new URL(provider.tokenUrl)
  await app.register(oauth2, {
    name: provider.id,
    scope: [...provider.scope],
    // Required by its options, used only by its own callback handling.
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
 * Excludes simple-oauth2 from `DEBUG=*` in its own copy of `debug`, because it prints its requests, client
 * secret included.
 */
function keepOutOfDebugOutput(): void {
  const fromOAuth2 = createRequire(createRequire(import.meta.url).resolve('@fastify/oauth2'))
  const fromSimpleOAuth2 = createRequire(fromOAuth2.resolve('simple-oauth2'))
  const debug = fromSimpleOAuth2('debug') as { disable(): string; enable(names: string): void }
  const enabled = debug.disable()
  if (enabled !== '') debug.enable(`${enabled},-simple-oauth2*`)
}
