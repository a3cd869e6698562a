import debug from 'debug'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Provider } from '../provider.ts'
import type { Metadata } from './metadata.ts'
import { type Agents, MAX_ANSWER_BYTES } from './provider-http.ts'

/**
 * The part of simple-oauth2 that is used. @fastify/oauth2 exposes it, but omits it from its types.
 */
export interface OAuth2 {
  authorizeURL(parameters: Record<string, string | string[]>): string
  getToken(
    parameters: Record<string, string>,
    options: { timeout: number },
  ): Promise<{ readonly token: unknown }>
}

/** The instance of @fastify/oauth2 for one provider. */
export interface OAuth2Source {
  /** Returns the instance for these endpoints. New endpoints get a new instance. */
  read(endpoints: Pick<Metadata, 'authorize' | 'token'>): Promise<OAuth2>
  close(): Promise<void>
}

/**
 * Registers @fastify/oauth2 at the first use, in a Fastify instance of its own: the application's
 * instance accepts no plugins after boot, and would get the plugin's decorators.
 */
export function createOAuth2Source(provider: Provider, agents: Agents): OAuth2Source {
  let known: {
    readonly key: string
    readonly app: FastifyInstance
    oauth: Promise<OAuth2>
  } | null = null

  return {
    read({ authorize, token }) {
      const key = `${authorize} ${token}`
      if (known?.key === key) return known.oauth
      void known?.app.close()
      const app = Fastify()
      known = { key, app, oauth: register(app, provider, { authorize, token }, agents) }
      return known.oauth
    },
    close: async () => known?.app.close(),
  }
}

async function register(
  app: FastifyInstance,
  { clientAuth, clientId, clientSecret, scope }: Provider,
  endpoints: Pick<Metadata, 'authorize' | 'token'>,
  agents: Agents,
): Promise<OAuth2> {
  keepOutOfDebugOutput()
  // Imported by name, and only here, so that a bundle contains it.
  const { default: oauth2 } = await import('@fastify/oauth2')
  const authorize = new URL(endpoints.authorize)
  const token = new URL(endpoints.token)
  await app.register(oauth2, {
    name: 'provider',
    scope: [...scope],
    // Required by the plugin's options. Only its own callback handling, which is unused, would read
    // it.
    callbackUri: 'https://unused.invalid',
    userAgent: 'latchkey',
    credentials: {
      client: {
        id: String(clientId),
        // Without a constant secret, only the authorize URL is built here.
        secret: typeof clientSecret === 'string' ? clientSecret : '',
      },
      auth: {
        authorizeHost: authorize.origin,
        authorizePath: authorize.pathname,
        tokenHost: token.origin,
        tokenPath: token.pathname,
      },
      http: { agents, maxBytes: MAX_ANSWER_BYTES, redirects: 0 },
      options: { authorizationMethod: clientAuth === 'post' ? 'body' : 'header' },
    },
  })
  const decorated = app as unknown as { readonly provider: { readonly oauth2: OAuth2 } }
  return decorated.provider.oauth2
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
