import { anyLoopback } from './callback-url.ts'
import type { Person, SeedConsumer, SeedPerson } from './seed-format.ts'

/**
 * The built-in consumer (Bitbucket's word for a registered OAuth client). It accepts any callback URL on
 * `127.0.0.1`, `localhost` or `[::1]`, on any port and path, so an authorize request must have a
 * `redirect_uri`.
 *
 * @example
 * ```ts
 * const { clientId, clientSecret } = defaultConsumer // latchkey-dev, latchkey-dev-secret
 * ```
 */
export const defaultConsumer: Required<Omit<SeedConsumer, 'workspace'>> = {
  clientId: 'latchkey-dev',
  clientSecret: 'latchkey-dev-secret',
  name: 'Development app',
  callbackUrl: anyLoopback,
  scopes: ['account', 'email'],
  isPrivate: false,
}

/**
 * The built-in people: two ordinary accounts, then one for each unusual case. Their ids never change, so clients see
 * the same accounts after a restart.
 *
 * @example
 * ```ts
 * const emulator = await startBitbucketEmulator({
 *   seed: { people: [...defaultPeople, { nickname: 'sam' }] },
 * })
 * ```
 */
export const defaultPeople: readonly Required<SeedPerson>[] = [
  {
    nickname: 'ada',
    displayName: 'Ada Test',
    uuid: '{a1e7c0de-0001-4a01-8a01-000000000001}',
    accountId: '557058:a1e7c0de-1001-4a01-8a01-000000000001',
    accountStatus: 'active',
    emails: [{ email: 'ada@example.com', isPrimary: true, isConfirmed: true }],
  },
  {
    nickname: 'ben',
    displayName: 'Ben Test',
    uuid: '{a1e7c0de-0002-4a02-8a02-000000000002}',
    accountId: '5a7e00000000000000000002',
    accountStatus: 'active',
    emails: [{ email: 'ben@example.com', isPrimary: true, isConfirmed: true }],
  },
  {
    nickname: 'no-email',
    displayName: 'Cleo Test',
    uuid: '{a1e7c0de-0003-4a03-8a03-000000000003}',
    accountId: '5a7e00000000000000000003',
    accountStatus: 'active',
    emails: [],
  },
  {
    nickname: 'unconfirmed',
    displayName: 'Dan Test',
    uuid: '{a1e7c0de-0004-4a04-8a04-000000000004}',
    accountId: '557058:a1e7c0de-1004-4a04-8a04-000000000004',
    accountStatus: 'active',
    emails: [{ email: 'dan@example.com', isPrimary: true, isConfirmed: false }],
  },
  {
    nickname: 'many-emails',
    displayName: 'Emi Test',
    uuid: '{a1e7c0de-0005-4a05-8a05-000000000005}',
    accountId: '5a7e00000000000000000005',
    accountStatus: 'active',
    emails: Array.from({ length: 30 }, (_, index) => ({
      email: `emi.${index + 1}@example.com`,
      isPrimary: index === 29,
      isConfirmed: true,
    })),
  },
  {
    nickname: 'inactive',
    displayName: 'Finn Test',
    uuid: '{a1e7c0de-0006-4a06-8a06-000000000006}',
    accountId: '5a7e00000000000000000006',
    // [?] Only `active` has been observed. Bitbucket's value for a closed account is undocumented.
    accountStatus: 'inactive',
    emails: [{ email: 'finn@example.com', isPrimary: true, isConfirmed: true }],
  },
]

/** Returns what is unusual about a person, or an empty string. */
export function noteOn({ accountStatus, emails }: Person): string {
  if (accountStatus !== 'active') return accountStatus
  if (emails.length === 0) return 'no e-mail'
  const primary = emails.find(({ isPrimary }) => isPrimary)
  if (!primary) return 'no primary e-mail'
  if (!primary.isConfirmed) return 'e-mail not confirmed'
  return emails.length > 1 ? `${emails.length} e-mails` : ''
}
