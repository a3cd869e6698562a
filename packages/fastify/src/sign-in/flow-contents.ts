import { randomBytes } from 'node:crypto'
import { FlowError } from '../http/errors.ts'
import { CLOCK_TOLERANCE } from '../sessions/session-life.ts'
import type { Settings } from '../settings.ts'

/**
 * One attempt to sign in, from the start route to the callback: everything that the callback has to
 * compare, in one place.
 */
export interface Flow {
  readonly provider: string
  readonly state: string
  readonly codeVerifier: string
  /** Sent to the token endpoint exactly as it was sent to the authorize endpoint. */
  readonly redirectUri: string
  /** Where to go when it has worked. */
  readonly returnTo: string
  /** Where it began, and where to go when it has not worked; `null` for the sign-in page. */
  readonly began: string | null
  /** What the page that opened a popup for this calls it; absent in a window of one's own. */
  readonly popup?: string
  /** Present if this flow replaces one that was used up. It is never replaced itself. */
  readonly restarted?: true
  /** Present if the provider was told whom to sign in, or how. Another flow would not be the same. */
  readonly hinted?: true
  readonly expiresAt: number
}

/** Ten minutes, in milliseconds. */
export const FLOW_LIFETIME: number = 10 * 60 * 1000

/** Returns a flow with a fresh `state` and verifier, valid from now on. */
export function newFlow(
  { callbackUrl, clock }: Settings,
  kept: Pick<Flow, 'provider' | 'returnTo' | 'began' | 'popup' | 'restarted' | 'hinted'>,
): Flow {
  return {
    ...kept,
    state: randomBytes(32).toString('base64url'),
    codeVerifier: randomBytes(32).toString('base64url'),
    redirectUri: callbackUrl(kept.provider),
    expiresAt: clock() + FLOW_LIFETIME,
  }
}

/** Returns why a flow cannot be finished at a provider's callback at the time `now`, or `null` if it can. */
export function whyUnfit(flow: Flow, provider: string, now: number): FlowError | null {
  // The answer of one provider must never be taken for another's (RFC 9700 section 4.4).
  if (flow.provider !== provider) {
    return new FlowError('flow_missing', 'the flow belongs to another provider')
  }
  const left = flow.expiresAt - now
  // A flow sealed by a clock that was far ahead has expired too.
  if (left > 0 && left <= FLOW_LIFETIME + CLOCK_TOLERANCE) return null
  return new FlowError('flow_expired', 'the flow has expired')
}
