import type { FastifyRequest } from 'fastify'
import { FlowError } from '../http/errors.ts'
import { errorWord } from '../providers/client/token-answer.ts'
import type { Provider } from '../providers/provider.ts'

/** Returns a query parameter, or `null` if it is missing, empty or repeated. */
export function single(request: FastifyRequest, name: string): string | null {
  const value = (request.query as Record<string, unknown>)[name]
  return typeof value === 'string' && value !== '' ? value : null
}

/**
 * Returns the valid hints for the provider: `login_hint` and `prompt`
 * (https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest). Bitbucket ignores both.
 */
export function hintsOf(request: FastifyRequest): Record<string, string> {
  const hints: Record<string, string> = {}
  const loginHint = single(request, 'login_hint')
  if (loginHint !== null && loginHint.length <= 320) hints.login_hint = loginHint
  const prompt = single(request, 'prompt')
  if (prompt !== null && /^(none|login|consent|select_account)$/.test(prompt)) hints.prompt = prompt
  return hints
}

/** Returns the scopes that the link asks for and the provider's sheet allows. */
export function addedScopesOf(
  request: FastifyRequest,
  { optionalScopes }: Pick<Provider, 'optionalScopes'>,
): string[] {
  const asked = single(request, 'scope')?.split(' ') ?? []
  return optionalScopes.filter((scope) => asked.includes(scope))
}

/** What a provider reports when the person cancels. LinkedIn and Apple use their own codes. */
const CANCELLATIONS: ReadonlySet<unknown> = new Set([
  'access_denied',
  'user_cancelled_authorize',
  'user_cancelled_login',
])

/**
 * Returns the error that the provider reported in the callback, or `null`
 * (https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1). The provider's own error messages are discarded.
 */
export function refusalOf(request: FastifyRequest): FlowError | null {
  const error = (request.query as Record<string, unknown>).error
  if (error === undefined) return null
  if (CANCELLATIONS.has(error))
    return new FlowError('access_denied', 'access denied at the provider')
  if (error === 'server_error' || error === 'temporarily_unavailable') {
    return new FlowError('provider_unavailable', `the provider reported ${error}`)
  }
  return new FlowError('provider_refused', `the provider reported ${errorWord({ error })}`)
}
