import { completeSheet } from './complete-sheet.ts'
import type { Provider, ProviderSheet } from './provider.ts'

/**
 * Describes a company that Latchkey does not know, as a data sheet and a pure function.
 *
 * @throws LatchkeyError `LATCHKEY_OPTION_INVALID` or `LATCHKEY_OPTION_UNKNOWN` if the sheet has a
 *   mistake. A missing client ID or secret is reported when the plugin is registered.
 *
 * @example
 * const acme = defineProvider({
 *   id: 'acme',
 *   name: 'Acme',
 *   clientId: process.env.ACME_CLIENT_ID,
 *   clientSecret: process.env.ACME_CLIENT_SECRET,
 *   authorize: 'https://id.acme.example/authorize',
 *   token: 'https://id.acme.example/token',
 *   scope: ['profile', 'email'],
 *   vouchesForEmail: true,
 *   steps: {
 *     me: { url: 'https://api.acme.example/me' },
 *   },
 *   profile: ({ me }) => ({
 *     subject: read.id(me.id),
 *     name: read.text(me.name),
 *     email: read.email(me.email),
 *     emailVerified: me.email_verified === true,
 *   }),
 * })
 */
export function defineProvider<const S = Record<never, never>>(sheet: ProviderSheet<S>): Provider {
  return completeSheet(sheet)
}
