import type { Agent as HttpAgent, IncomingMessage } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { createRequire } from 'node:module'
import oauth2 from '@fastify/oauth2'
import Wreck from '@hapi/wreck'
import type { FastifyInstance } from 'fastify'
import { FlowError } from '../http/errors.ts'
import type { Deadline } from './deadline.ts'
import { createExchangeGate, type ExchangeGate } from './exchange-gate.ts'
import { isObject, type Profile, type Provider } from './provider.ts'

/** The two things that a flow asks of a provider. */
export interface ProviderClient {
  readonly provider: Provider
  /** Limits the exchanges in progress. Redeem a code only while holding a place. */
  readonly gate: ExchangeGate
  authorizeUrl(parameters: {
    redirectUri: string
    state: string
    codeChallenge: string
    /** OpenID Connect's `login_hint` and `prompt`; a provider may ignore them. */
    hints: Readonly<Record<string, string>>
  }): string
  /** Redeems a code, once, and reads the profile. The tokens are forgotten with the returned promise. */
  redeem(
    parameters: { code: string; redirectUri: string; codeVerifier: string },
    deadline: Deadline,
  ): Promise<Profile>
}

/** The longest answer of a provider that is read, in decoded bytes: we accept no compression. */
const MAX_ANSWER_BYTES = 256 * 1024

/**
 * Connects a provider through @fastify/oauth2, which builds authorize URLs and makes token requests.
 * @param app A context of the plugin's own: the decorators stay there, and its cookies, start route and
 *   callback handling stay unused (they lose flows, replay them, and log the client's secret).
 * @param concurrency The most exchanges in progress, and the most connections to each host.
 */
export async function connectProvider(
  app: FastifyInstance,
  provider: Provider,
  concurrency: number,
): Promise<ProviderClient> {
  const agents = keepAliveAgents(concurrency)
  app.addHook('onClose', async () => {
    agents.http.destroy()
    agents.https.destroy()
  })
  const oauth = await registerOAuth2(app, provider, agents)
  const http = Wreck.defaults({ agents })

  return {
    provider,
    gate: createExchangeGate(concurrency),

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

    async redeem({ code, redirectUri, codeVerifier }, deadline) {
      const request = oauth.getToken(
        { code, redirect_uri: redirectUri, code_verifier: codeVerifier },
        { timeout: deadline.remaining() },
      )
      // Also once nobody waits any more, for it ends what is left of the connection.
      const answered = request.catch((error: unknown) => {
        throw tokenFailure(error)
      })
      const accessToken = accessTokenOf((await deadline.cut(answered)).token)
      const profile = await provider.readProfile({
        get(url) {
          const answer = deadline.cut(getJson(http, url, accessToken, deadline))
          // A provider may ask twice, and wait for one after the other: if both fail, Node would take the
          // second failure for one that nobody minds, and end the process.
          answer.catch(() => undefined)
          return answer
        },
      })
      if (isObject(profile) && isSubject(profile.subject)) return whole(profile)
      throw new FlowError('provider_bad_answer', 'the profile has no usable subject')
    },
  }
}

interface Agents {
  readonly http: HttpAgent
  readonly https: HttpsAgent
  readonly httpsAllowUnauthorized: HttpsAgent
}

/**
 * @param maxSockets The most connections to each host, idle ones included. `maxTotalSockets` would let the
 *   idle connections of one host starve another.
 */
function keepAliveAgents(maxSockets: number): Agents {
  // Imported, it would bring Node's `fetch` along, which nobody may need and takes longer to load than this.
  const http = process.getBuiltinModule('node:http')
  const https = passedAsItIs(new HttpsAgent({ keepAlive: true, maxSockets }))
  // Wreck insists on a third agent, meant for requests that skip certificate checks. Ours does not.
  return {
    http: passedAsItIs(new http.Agent({ keepAlive: true, maxSockets })),
    https,
    httpsAllowUnauthorized: https,
  }
}

/**
 * simple-oauth2 makes deep copies of its options, and a copied agent opens a connection for every
 * request. Its cloning (@hapi/hoek) spares what has `isImmutable` on its prototype.
 */
function passedAsItIs<T extends HttpAgent>(agent: T): T {
  const prototype = Object.create(Object.getPrototypeOf(agent), { isImmutable: { value: true } })
  return Object.setPrototypeOf(agent, prototype)
}

/** The part of simple-oauth2 that is used; @fastify/oauth2 offers it and leaves it out of its types. */
interface AuthorizationCodeGrant {
  authorizeURL(parameters: Record<string, string | string[]>): string
  getToken(
    parameters: Record<string, string>,
    options: { timeout: number },
  ): Promise<{ readonly token: unknown }>
}

async function registerOAuth2(
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
 * simple-oauth2 prints its requests, client secret included, where `DEBUG=*` asks everything to speak.
 * Its own copy of `debug` is told to leave it out.
 */
function keepOutOfDebugOutput(): void {
  const fromOAuth2 = createRequire(createRequire(import.meta.url).resolve('@fastify/oauth2'))
  const fromSimpleOAuth2 = createRequire(fromOAuth2.resolve('simple-oauth2'))
  const debug = fromSimpleOAuth2('debug') as { disable(): string; enable(names: string): void }
  const enabled = debug.disable()
  if (enabled !== '') debug.enable(`${enabled},-simple-oauth2*`)
}

/**
 * What went wrong at the token endpoint, in our own words. The original is dropped here: it holds the
 * request with the client's secret.
 */
function tokenFailure(error: unknown): FlowError {
  const { data, isBoom, code } = error as {
    data?: { res?: IncomingMessage; payload?: unknown; isResponseError?: boolean } | unknown[]
    isBoom?: boolean
    code?: string
  }
  // Wreck's word for a redirect that it did not follow: the trace of where it was.
  if (Array.isArray(data)) {
    return new FlowError('provider_bad_answer', 'the token endpoint answered a redirect')
  }
  const answer = data?.res
  answer?.destroy()
  if (isTimeout(error)) {
    return new FlowError('provider_unavailable', 'the token endpoint did not answer in time')
  }
  const status = answer?.statusCode
  if (status === undefined) {
    return isBoom === true || code !== undefined
      ? new FlowError('provider_unavailable', `the token endpoint ${noAnswer(error)}`)
      : new FlowError('provider_bad_answer', 'the token endpoint answered no token')
  }
  const said = `the token endpoint answered ${status}`
  if (isOutage(status)) return new FlowError('provider_unavailable', said)
  if (status >= 400 && data?.isResponseError === true) {
    return new FlowError('provider_refused', `${said} ${errorWord(data.payload)}`)
  }
  return new FlowError('provider_bad_answer', `${said} with something else than JSON of a token`)
}

/** https://www.rfc-editor.org/rfc/rfc6749#section-5.1; `scope` and `expires_in` are not relied on. */
function accessTokenOf(answer: unknown): string {
  if (!isObject(answer)) {
    throw new FlowError('provider_bad_answer', 'the token answer is not a JSON object')
  }
  if (answer.error !== undefined) {
    // Some providers answer 200 with an error in it.
    throw new FlowError('provider_refused', `the token answer is an error ${errorWord(answer)}`)
  }
  const { access_token, token_type } = answer
  if (typeof access_token !== 'string' || !/^[\x21-\x7e]+$/.test(access_token)) {
    throw new FlowError('provider_bad_answer', 'the token answer has no usable access_token')
  }
  if (typeof token_type !== 'string' || token_type.toLowerCase() !== 'bearer') {
    throw new FlowError('provider_bad_answer', 'the token answer is not of type bearer')
  }
  return access_token
}

/**
 * Checked whatever the provider is written in: a store takes a number too, and long ones are the same
 * number, so that two people would be one user.
 */
function isSubject(subject: unknown): boolean {
  return typeof subject === 'string' && /^[\x21-\x7e]{1,255}$/.test(subject)
}

/** A provider that is not written in TypeScript may leave out what it does not know. */
function whole(profile: Partial<Profile> & Pick<Profile, 'subject' | 'active'>): Profile {
  const { name = null, email = null, emailVerified = false, avatarUrl = null } = profile
  const { attributes = {}, raw = {} } = profile
  return { ...profile, name, email, emailVerified, avatarUrl, attributes, raw }
}

async function getJson(
  http: typeof Wreck,
  url: string,
  accessToken: string,
  deadline: Deadline,
): Promise<{ status: number; body: unknown }> {
  const { pathname } = new URL(url)
  const headers = {
    accept: 'application/json',
    authorization: `Bearer ${accessToken}`,
    'user-agent': 'latchkey',
  }
  const response = await http
    .request('GET', url, { headers, timeout: deadline.remaining() })
    .catch((error: unknown) => {
      throw new FlowError('provider_unavailable', `GET ${pathname} ${noAnswer(error)}`)
    })

  const status = response.statusCode ?? 0
  try {
    if (isOutage(status)) throw new FlowError('provider_unavailable', `GET ${pathname}: ${status}`)
    const bytes = await http.read(response, {
      timeout: deadline.remaining(),
      maxBytes: MAX_ANSWER_BYTES,
    })
    return { status, body: JSON.parse(bytes.toString('utf8')) as unknown }
  } catch (error) {
    response.destroy()
    if (error instanceof FlowError) throw error
    if (isTimeout(error)) {
      throw new FlowError('provider_unavailable', `GET ${pathname} did not answer in time`)
    }
    // A JSON error quotes the answer, so it is not passed on.
    throw new FlowError(
      'provider_bad_answer',
      `GET ${pathname} answered ${status} without whole JSON`,
    )
  }
}

/** Wreck's own word for a body that took too long; an answer's 408 is `isResponseError`. */
function isTimeout(error: unknown): boolean {
  const { output, data } = error as {
    output?: { statusCode?: number }
    data?: { isResponseError?: boolean }
  }
  return output?.statusCode === 408 && data?.isResponseError !== true
}

/**
 * Why a request got no answer, for the log: Node's and OpenSSL's own word for it, such as ECONNREFUSED or
 * CERT_HAS_EXPIRED, and nothing else of the error, which holds the request.
 */
function noAnswer(error: unknown): string {
  const { code, data } = error as { code?: unknown; data?: { code?: unknown } | null }
  const word = code ?? data?.code
  return typeof word === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(word)
    ? `could not be reached: ${word}`
    : 'got no answer'
}

function isOutage(status: number): boolean {
  return status >= 500 || status === 429
}

/** An OAuth error code if the answer has a well-formed one, for the log. */
export function errorWord(answer: unknown): string {
  const word = isObject(answer) ? answer.error : undefined
  return typeof word === 'string' && /^[a-z_]{1,40}$/.test(word) ? word : '(no error code)'
}
