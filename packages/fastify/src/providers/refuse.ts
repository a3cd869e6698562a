import { FlowError } from '../http/errors.ts'
import type { RefusalCode } from './provider.ts'

/**
 * Refuses the person who is signing in. Call it in `profile()` of a provider.
 *
 * @param code Decides which sentence the person sees.
 * @param reason A sentence for the server's log. It must not contain data from the provider.
 * @throws always
 *
 * @example
 * profile({ user }) {
 *   if (user.type === 'bot') refuse('provider_refused', 'Bots cannot sign in.')
 *   return { subject: id(user.id) }
 * }
 */
export function refuse(code: RefusalCode, reason: string): never {
  throw new FlowError(code, reason)
}
