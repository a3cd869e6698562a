import { askStore, FlowError } from '../http/errors.ts'
import { sha256 } from '../http/seal.ts'
import { LEFT } from '../providers/exchange-gate.ts'
import type { Profile } from '../providers/provider.ts'
import type { Settings } from '../settings.ts'
import { whyUnfit } from './flow-contents.ts'
import { refusalOf, single } from './query.ts'
import type { Callback } from './visit.ts'

/** Where it is recorded that a flow has been used. */
export interface FlowUse {
  readonly settings: Settings
  /** Called before each use of a flow, because that adds a row to the store. */
  readonly sweep: () => Promise<void>
}

/**
 * Uses the flow up, redeems the code, and reads the profile.
 * @throws FlowError; UnavailableError; `LEFT` if the browser has disconnected before the token request
 */
export async function exchange(callback: Callback, use: FlowUse): Promise<Profile> {
  const { request, client, flow } = callback
  const refusal = refusalOf(request)
  const code = single(request, 'code')
  const unfit = whyUnfit(flow, client.provider.id, use.settings.clock())
  if (refusal === null && code !== null && unfit === null) {
    return redeemInTurn(callback, code, use)
  }
  await useOnce(callback, use)
  throw refusal ?? new FlowError('provider_bad_answer', 'the answer has no code')
}

/** Redeems the code once there is a place for another exchange with this provider. */
async function redeemInTurn(callback: Callback, code: string, use: FlowUse): Promise<Profile> {
  const { request, client, flow, deadline, connection } = callback
  // Fastify has no address for a socket that is already closed.
  const place = client.gate.enter(String(request.ip))
  const stop = connection.onGone(place.leave)
  try {
    await deadline.cut(place.granted)
    stop()
    if (connection.isGone()) throw LEFT
    await useOnce(callback, use)
    if (connection.isGone()) throw LEFT
    const { codeVerifier, redirectUri } = flow
    return await deadline.cut(client.redeem({ code, redirectUri, codeVerifier }, deadline))
  } finally {
    stop()
    place.leave()
  }
}

/** Uses the flow up, whatever comes of it. Of many callbacks at once, one gets past this. */
async function useOnce(callback: Callback, { settings, sweep }: FlowUse): Promise<void> {
  const { request, client, flow } = callback
  if (!callback.flowUsed) {
    // Set before the call, because a store that does not answer may have stored it.
    callback.flowUsed = true
    const first = await askStore(request.log, async () => {
      await sweep()
      return settings.store.useFlow(sha256(flow.state), flow.expiresAt)
    })
    if (!first) throw new FlowError('flow_used', 'the flow has been used')
  }
  const unfit = whyUnfit(flow, client.provider.id, settings.clock())
  if (unfit !== null) throw unfit
}
