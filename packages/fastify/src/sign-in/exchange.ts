import { askStore, FlowError } from '../http/errors.ts'
import { sha256 } from '../http/seal.ts'
import { LEFT } from '../providers/client/exchange-gate.ts'
import type { Profile } from '../providers/provider.ts'
import type { Settings } from '../settings.ts'
import { whyUnfit } from './flow-contents.ts'
import { refusalOf, single } from './query.ts'
import type { Callback } from './visit.ts'

/** The dependencies of `useOnce`. */
export interface FlowUse {
  readonly settings: Settings
  /** Called before each use of a flow, because that adds a row to the store. */
  readonly sweep: () => Promise<void>
}

/**
 * Marks the flow as used, redeems the code, and reads the profile.
 * @throws FlowError; UnavailableError; `LEFT` if the browser disconnected before the token request
 */
export async function exchange(callback: Callback, use: FlowUse): Promise<Profile> {
  const { request, client, flow } = callback
  const { iss } = request.query as Record<string, unknown>
  const refusal = (await client.issuerFault(iss, callback.deadline)) ?? refusalOf(request)
  const code = single(request, 'code')
  const unfit = whyUnfit(flow, client.provider.id, use.settings.clock())
  if (refusal === null && code !== null && unfit === null) {
    return redeemInTurn(callback, code, use)
  }
  await useOnce(callback, use)
  throw refusal ?? new FlowError('provider_bad_answer', 'the callback has no code')
}

/** Waits for a free place in the provider's queue, then redeems the code. */
async function redeemInTurn(callback: Callback, code: string, use: FlowUse): Promise<Profile> {
  const { request, client, flow, deadline, connection } = callback
  // `request.ip` is undefined if the socket is already closed.
  const place = client.gate.enter(String(request.ip))
  const stop = connection.onGone(place.leave)
  try {
    await deadline.cut(place.granted)
    stop()
    if (connection.isGone()) throw LEFT
    await useOnce(callback, use)
    if (connection.isGone()) throw LEFT
    const { codeVerifier, redirectUri } = flow
    const exchanged = { code, redirectUri, codeVerifier }
    return await deadline.cut(client.redeem(exchanged, callback.posted, deadline))
  } finally {
    stop()
    place.leave()
  }
}

/** Marks the flow as used, even if the sign-in fails later. Of concurrent callbacks, one gets past this. */
async function useOnce(callback: Callback, { settings, sweep }: FlowUse): Promise<void> {
  const { request, client, flow } = callback
  if (!callback.flowUsed) {
    // Set before the call, because a store may have stored the use although it does not respond.
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
