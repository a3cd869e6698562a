import Wreck from '@hapi/wreck'
import type { FastifyInstance } from 'fastify'
import { type Deadline, withinHalf } from './deadline.ts'
import { createExchangeGate, type ExchangeGate } from './exchange-gate.ts'
import { type AuthorizationCodeGrant, registerOAuth2 } from './fastify-oauth2.ts'
import { checkProfile } from './profile.ts'
import type { Profile, Provider, ProviderApi } from './provider.ts'
import { getJson, keepAliveAgents } from './provider-http.ts'
import { accessTokenOf, tokenFailure } from './token-answer.ts'

/**
 * What a flow needs from a provider: the authorize URL, and the exchange of a code for a profile.
 */
export interface ProviderClient {
  readonly provider: Provider
  /** Limits the exchanges in progress. Redeem a code only while holding a place. */
  readonly gate: ExchangeGate
  authorizeUrl(parameters: {
    redirectUri: string
    state: string
    codeChallenge: string
    /** OpenID Connect's `login_hint` and `prompt`. A provider may ignore them. */
    hints: Readonly<Record<string, string>>
  }): string
  /**
   * Redeems a code, once, and reads the profile. The tokens are discarded when the promise settles.
   */
  redeem(
    parameters: { code: string; redirectUri: string; codeVerifier: string },
    deadline: Deadline,
  ): Promise<Profile>
}

export interface ExchangeLimits {
  /** The most exchanges in progress, and the most connections to each host. */
  readonly providerConcurrency: number
  /** How long an exchange may take, in milliseconds. */
  readonly providerTimeout: number
}

/**
 * Connects a provider through @fastify/oauth2, which builds authorize URLs and sends token
 * requests.
 * @param app A separate context of the plugin, which keeps the decorators out of the application.
 *   The cookies, start route and callback handling of @fastify/oauth2 stay unused, because they
 *   lose flows, replay them, and log the client secret.
 */
export async function connectProvider(
  app: FastifyInstance,
  provider: Provider,
  { providerConcurrency, providerTimeout }: ExchangeLimits,
): Promise<ProviderClient> {
  const agents = keepAliveAgents(providerConcurrency, providerTimeout)
  app.addHook('onClose', async () => {
    agents.http.destroy()
    agents.https.destroy()
  })
  const oauth = await registerOAuth2(app, provider, agents)
  const http = Wreck.defaults({ agents })

  return {
    provider,
    gate: createExchangeGate(providerConcurrency),

    authorizeUrl({ redirectUri, state, codeChallenge, hints }) {
      return oauth.authorizeURL({
        ...hints,
        redirect_uri: redirectUri,
        scope: [...provider.scope],
        state,
        // https://www.rfc-editor.org/rfc/rfc7636#section-4.3
        code_challenge: codeChallenge,
        code_challenge_method: 'S256',
      })
    },

    async redeem(parameters, deadline) {
      const accessToken = await requestToken(oauth, parameters, deadline)
      return checkProfile(await provider.readProfile(apiOf(http, accessToken, deadline)))
    },
  }
}

async function requestToken(
  oauth: AuthorizationCodeGrant,
  { code, redirectUri, codeVerifier }: Parameters<ProviderClient['redeem']>[0],
  deadline: Deadline,
): Promise<string> {
  const request = oauth.getToken(
    { code, redirect_uri: redirectUri, code_verifier: codeVerifier },
    { timeout: deadline.remaining() },
  )
  // Also runs after the deadline, because it closes the rest of the connection.
  const answered = request.catch((error: unknown) => {
    throw tokenFailure(error)
  })
  return accessTokenOf((await deadline.cut(answered)).token)
}

function apiOf(http: typeof Wreck, accessToken: string, deadline: Deadline): ProviderApi {
  return {
    get(url, { optional = false } = {}) {
      const ask = (limit: Deadline) => getJson(http, url, accessToken, limit)
      const answer = deadline.cut(optional ? withinHalf(deadline, ask) : ask(deadline))
      // A provider may start two requests and await them one after the other. If both fail, Node
      // would report the second as an unhandled rejection and exit.
      answer.catch(() => undefined)
      return answer
    },
  }
}
