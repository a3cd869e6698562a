import type { FastifyRequest } from 'fastify'
import { FlowError } from '../http/errors.ts'
import { errorWord } from '../providers/token-answer.ts'

/** Returns a query parameter that was given exactly once and is not empty, or `null`. */
export function single(request: FastifyRequest, name: string): string | null {
  const value = (request.query as Record<string, unknown>)[name]
  return typeof value === 'string' && value !== '' ? value : null
}

/** https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest; Bitbucket takes no notice. */
export function hintsOf(request: FastifyRequest): Record<string, string> {
  const hints: Record<string, string> = {}
  const loginHint = single(request, 'login_hint')
  if (loginHint !== null && loginHint.length <= 320) hints.login_hint = loginHint
  const prompt = single(request, 'prompt')
  if (prompt !== null && /^(none|login|consent|select_account)$/.test(prompt)) hints.prompt = prompt
  return hints
}

/** https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1; the provider's own texts go nowhere. */
export function refusalOf(request: FastifyRequest): FlowError | null {
  const error = (request.query as Record<string, unknown>).error
  if (error === undefined) return null
  if (error === 'access_denied') return new FlowError('access_denied', 'the person cancelled')
  if (error === 'server_error' || error === 'temporarily_unavailable') {
    return new FlowError('provider_unavailable', `the provider answered ${error}`)
  }
  return new FlowError('provider_refused', `the provider answered ${errorWord({ error })}`)
}
