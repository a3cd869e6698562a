import { randomBytes } from 'node:crypto'
import { FlowError } from '../http/errors.ts'
import { CLOCK_TOLERANCE } from '../sessions/session-life.ts'
import type { Settings } from '../settings.ts'

/** One attempt to sign in, from the start route to the callback: everything that the callback must verify. */
export interface Flow {
  readonly provider: string
  readonly state: string
  readonly codeVerifier: string
  /** The token request must repeat the value of the authorization request (RFC 6749 section 4.1.3). */
  readonly redirectUri: string
  /** The target after a successful sign-in. */
  readonly returnTo: string
  /** The page on which the flow began, and the target after a failure. `null` for the sign-in page. */
  readonly began: string | null
  /** The id of the popup, chosen by the page that opened it. Missing if the flow runs in the page itself. */
  readonly popup?: string
  /** Set if this flow replaces a used one. Such a flow is never replaced again. */
  readonly restarted?: true
  /** Set if the flow sent hints such as `login_hint`. They are not kept, so a replacement would lack them. */
  readonly hinted?: true
  readonly expiresAt: number
}

/** How long a flow is valid, in milliseconds: ten minutes. */
export const FLOW_LIFETIME: number = 10 * 60 * 1000

/** Returns a flow with a new `state` and verifier, valid from now on. */
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

/** Returns why a flow cannot be completed at a provider's callback at the time `now`, or `null` if it can. */
export function whyUnfit(flow: Flow, provider: string, now: number): FlowError | null {
  // Prevents mix-up attacks: one provider's response must not complete a flow of another (RFC 9700 section 4.4).
  if (flow.provider !== provider) {
    return new FlowError('flow_missing', 'the flow belongs to another provider')
  }
  const left = flow.expiresAt - now
  // A flow sealed by a clock that was far ahead has expired too.
  if (left > 0 && left <= FLOW_LIFETIME + CLOCK_TOLERANCE) return null
  return new FlowError('flow_expired', 'the flow has expired')
}
