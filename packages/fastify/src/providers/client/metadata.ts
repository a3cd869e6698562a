import type Wreck from '@hapi/wreck'
import type { FastifyBaseLogger } from 'fastify'
import { withReference } from '../../http/codes.ts'
import { FlowError } from '../../http/errors.ts'
import { isLoopback } from '../../http/request-origin.ts'
import { isEndpoint, metadataOf } from '../complete-sheet.ts'
import { isObject, type Provider } from '../provider.ts'
import { type Deadline, startDeadline } from './deadline.ts'
import { jsonOf, type ProviderRequest, send } from './provider-http.ts'

/** The endpoints of a provider: from its sheet, or from its discovery document. */
export interface Metadata {
  readonly authorize: string
  readonly token: string
  /** The issuer of `iss` in a callback, if it is known. */
  readonly issuer: string | null
  /** Whether every callback has an `iss` (RFC 9207 section 3). */
  readonly announcesIssuer: boolean
  /** Only with OpenID Connect. */
  readonly keys: string | null
  readonly userInfo: string | null
}

/** Returns the endpoints of a provider, from memory if it can. */
export interface MetadataSource {
  /** @throws FlowError `provider_unavailable` or `provider_bad_answer` */
  read(deadline: Deadline): Promise<Metadata>
}

/** How long a discovery document is used before it is requested again, in milliseconds. */
const FRESH_FOR = 60 * 60 * 1000

/** How long after a failed refresh the next one is tried, in milliseconds. */
const RETRY_AFTER = 60 * 1000

interface Dependencies {
  readonly http: typeof Wreck
  readonly clock: () => number
  readonly timeout: number
  readonly log: FastifyBaseLogger
}

export function createMetadataSource(
  provider: Provider,
  dependencies: Dependencies,
): MetadataSource {
  const { authorize, token, issuer = null, openid } = provider
  if (openid !== undefined) return discover(provider, dependencies)
  // A complete sheet has both.
  const fixed = { authorize: String(authorize), token: String(token), issuer }
  const metadata = { ...fixed, announcesIssuer: false, keys: null, userInfo: null }
  return { read: async () => metadata }
}

/**
 * Requests the discovery document at the first sign-in, so that a server starts without its
 * provider. Concurrent sign-ins share one request. A document that is known is used while it is
 * refreshed, and kept if that fails.
 */
function discover(provider: Provider, dependencies: Dependencies): MetadataSource {
  const { clock, log, timeout } = dependencies
  let known: { readonly metadata: Metadata; nextAt: number } | null = null
  let asking: Promise<Metadata> | null = null

  function ask(): Promise<Metadata> {
    asking ??= request().finally(() => {
      asking = null
    })
    return asking
  }

  async function request(): Promise<Metadata> {
    const deadline = startDeadline(timeout)
    try {
      const metadata = await requestMetadata(provider, dependencies, deadline)
      if (known !== null) refuseOtherHosts(known.metadata, metadata)
      known = { metadata, nextAt: clock() + FRESH_FOR }
      return metadata
    } finally {
      deadline.done()
    }
  }

  function refresh(entry: { nextAt: number }): void {
    entry.nextAt = clock() + RETRY_AFTER
    ask().catch((error: unknown) => {
      const reason = error instanceof FlowError ? error.message : 'unknown'
      const line = { event: 'discovery-failed', provider: provider.id, reason }
      log.warn(
        line,
        withReference('discovery failed, the known document is kept', 'discovery_failed'),
      )
    })
  }

  return {
    async read(deadline) {
      if (known === null) return deadline.cut(ask())
      if (clock() >= known.nextAt) refresh(known)
      return known.metadata
    },
  }
}

async function requestMetadata(
  { openid }: Provider,
  { http }: Dependencies,
  deadline: Deadline,
): Promise<Metadata> {
  const issuer = openid?.issuer ?? ''
  const request: ProviderRequest = { method: 'GET', url: openid?.metadata ?? metadataOf(issuer) }
  const answer = await deadline.cut(send(http, request, deadline))
  if (answer.status !== 200) {
    throw new FlowError('provider_bad_answer', `the discovery document answered ${answer.status}`)
  }
  const document = jsonOf(request, answer)
  if (!isObject(document) || document.issuer !== issuer) {
    throw new FlowError('provider_bad_answer', 'the discovery document names another issuer')
  }
  const url = (name: string): string => endpointOf(document, name, issuer)
  return {
    authorize: url('authorization_endpoint'),
    token: url('token_endpoint'),
    issuer,
    announcesIssuer: document.authorization_response_iss_parameter_supported === true,
    keys: url('jwks_uri'),
    userInfo: document.userinfo_endpoint === undefined ? null : url('userinfo_endpoint'),
  }
}

/**
 * Returns an endpoint of a discovery document. It must be https unless the issuer itself is on this
 * machine, and must not be an IP address, such as the metadata service of a cloud.
 */
function endpointOf(document: Record<string, unknown>, name: string, issuer: string): string {
  const value = document[name]
  if (typeof value === 'string' && isEndpoint(value)) {
    const { hostname, protocol } = new URL(value)
    const isLocal = isLoopback(new URL(issuer).hostname)
    const isAddress = /^[\d.]+$|^\[/.test(hostname)
    if (
      isLocal ? isLoopback(hostname) || protocol === 'https:' : protocol === 'https:' && !isAddress
    ) {
      return value
    }
  }
  throw new FlowError(
    'provider_bad_answer',
    `the discovery document has no usable ${name}: an https URL without query or fragment`,
  )
}

/** A running server never follows an endpoint to another host. A restart does. */
function refuseOtherHosts(before: Metadata, after: Metadata): void {
  for (const name of ['authorize', 'token', 'keys', 'userInfo'] as const) {
    const [old, current] = [before[name], after[name]]
    if (old === null || current === null || new URL(old).origin === new URL(current).origin)
      continue
    throw new FlowError(
      'provider_bad_answer',
      'the discovery document has moved an endpoint to another host. If the provider has announced this, restart the server',
    )
  }
}
