import { FlowError } from '../../http/errors.ts'
import { isObject, type Row } from '../provider.ts'
import { type Deadline, withinHalf } from './deadline.ts'
import { jsonOf, type ProviderRequest } from './provider-http.ts'
import type { Ask } from './run-steps.ts'

/** The claims about a person, and a warning if some could not be requested. */
export interface Claims {
  readonly claims: Row
  readonly warnings: readonly string[]
}

/**
 * Requests UserInfo if the ID token lacks a claim that the profile needs
 * (OpenID Connect Core 1.0 section 5.3). The claims of the ID token win, because they are signed.
 * An outage does not end the sign-in.
 * @throws FlowError `provider_bad_answer` if the response is about another person
 */
export async function completeClaims(
  claims: Row,
  { wanted, url, name }: { wanted: readonly string[]; url: string | null; name: string },
  ask: Ask,
  deadline: Deadline,
): Promise<Claims> {
  const missing = wanted.filter((claim) => claims[claim] === undefined)
  if (missing.length === 0 || url === null) return { claims, warnings: [] }
  let more: Row
  try {
    more = await deadline.cut(withinHalf(deadline, (half) => requestUserInfo(url, ask, half)))
  } catch (error) {
    const reason = error instanceof FlowError ? error.message : 'got no answer'
    const warning = `${name} did not return UserInfo (${reason}). The person can sign in, and stored data is kept.`
    return { claims, warnings: [warning] }
  }
  // A token of another person would otherwise lend this one a name and an address.
  if (more.sub !== claims.sub) {
    throw new FlowError('provider_bad_answer', 'UserInfo is about another person (sub)')
  }
  return { claims: { ...more, ...claims }, warnings: [] }
}

async function requestUserInfo(
  url: string,
  ask: Ask,
  deadline: Pick<Deadline, 'remaining'>,
): Promise<Row> {
  const request: ProviderRequest = { method: 'GET', url }
  const answer = await ask(request, deadline)
  const body = answer.status === 200 ? jsonOf(request, answer) : null
  if (isObject(body)) return body
  throw new FlowError('provider_bad_answer', `UserInfo answered ${answer.status} without an object`)
}
