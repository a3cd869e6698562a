import { bitbucketMark } from '@latchkey/contract'
import { LatchkeyError } from '../http/errors.ts'
import { refuseUnknownOptions } from '../http/option-names.ts'
import { defineProvider } from './define-provider.ts'
import { emulatorOrigin } from './emulator-url.ts'
import { isObject, type List, type Provider, type ReadProfile, type Row } from './provider.ts'
import { read } from './read.ts'
import { refuse } from './refuse.ts'

/** The consumer that the emulator accepts with any loopback callback. */
const EMULATED_CONSUMER = { clientId: 'latchkey-dev', clientSecret: 'latchkey-dev-secret' }

/**
 * Every `account_status` of a closed account. Atlassian documents only `active`, and that more may
 * follow.
 */
const CLOSED_STATUSES: ReadonlySet<string> = new Set([
  'inactive',
  'closed',
  'deactivated',
  'disabled',
  'suspended',
  'deleted',
  'locked',
  'banned',
])

/** The options of `bitbucket()`. */
export interface BitbucketOptions {
  /** Client ID of an OAuth client, or Key of an OAuth consumer. */
  readonly clientId?: string | undefined
  readonly clientSecret?: string | undefined
  /** The first segment of its paths, and part of the key of its identities. Default `bitbucket`. */
  readonly id?: string | undefined
  /**
   * The name on the sign-in button. Default `Bitbucket`. Set it if a page offers two Bitbucket
   * providers.
   */
  readonly name?: string | undefined
  /**
   * Whether people who have not signed in before become users. `false` lets only existing users sign in
   * with this provider. Default `true`, unless the plugin's option `signUp` is `closed`.
   */
  readonly signUp?: boolean | undefined
  /**
   * Constant parameters to add to the authorization request, such as `{ prompt: 'select_account' }`.
   * Latchkey's own parameters, such as `state`, cannot be set.
   */
  readonly authorizeParameters?: Readonly<Record<string, string>> | undefined
  /**
   * The loopback URL of a Bitbucket emulator to use instead of Bitbucket, with the emulator's own
   * consumer unless you set `clientId` and `clientSecret`. Rejected in production.
   */
  readonly emulatorUrl?: string | undefined
  /**
   * Whether to reject people whose `account_status` Latchkey does not know. By default, they can
   * sign in, and a warning is logged, because Atlassian may add values that do not mean closed.
   * Statuses that do mean closed, such as `inactive` or `suspended`, are always rejected. Default
   * `false`.
   */
  readonly refuseUnknownAccountStatus?: boolean | undefined
}

const OPTIONS: Readonly<Record<keyof BitbucketOptions, true>> = {
  clientId: true,
  clientSecret: true,
  id: true,
  name: true,
  signUp: true,
  authorizeParameters: true,
  emulatorUrl: true,
  refuseUnknownAccountStatus: true,
}

/**
 * Returns Bitbucket Cloud as an OAuth 2.0 provider. Its scopes are set on the consumer: tick
 * Account: Email and Account: Read.
 * https://support.atlassian.com/bitbucket-cloud/docs/use-oauth-on-bitbucket-cloud/
 *
 * @throws LatchkeyError `LATCHKEY_OPTION_MISSING`, `LATCHKEY_OPTION_INVALID` or
 *   `LATCHKEY_OPTION_UNKNOWN`
 *
 * @example
 * await app.register(latchkey, {
 *   origin: 'https://app.example.com',
 *   secret: process.env.LATCHKEY_SECRET,
 *   providers: [
 *     bitbucket({
 *       clientId: process.env.BITBUCKET_CLIENT_ID,
 *       clientSecret: process.env.BITBUCKET_CLIENT_SECRET,
 *     }),
 *   ],
 *   store: sqlite('./data/latchkey.db'),
 * })
 */
export function bitbucket(options: BitbucketOptions = {}): Provider {
  refuseUnknownOptions(options, Object.keys(OPTIONS), {
    say: (name) => `bitbucket(): there is no option \`${name}\`.`,
  })
  const emulator = emulatorOrigin('bitbucket', options.emulatorUrl)
  const site = emulator ?? 'https://bitbucket.org'
  const api = emulator ?? 'https://api.bitbucket.org'
  const { refuseUnknownAccountStatus = false } = options
  if (typeof refuseUnknownAccountStatus !== 'boolean') {
    throw new LatchkeyError(
      'LATCHKEY_OPTION_INVALID',
      'bitbucket(): `refuseUnknownAccountStatus` must be true or false.',
    )
  }

  return defineProvider({
    id: options.id ?? 'bitbucket',
    name: options.name ?? 'Bitbucket',
    mark: bitbucketMark,
    ...credentials(options, emulator !== undefined),
    signUp: options.signUp,
    authorizeParameters: options.authorizeParameters,
    setup: SETUP,
    authorize: `${site}/site/oauth2/authorize`,
    token: `${site}/site/oauth2/access_token`,
    scope: ['account', 'email'],
    vouchesForEmail: true,
    steps: {
      user: { url: `${api}/2.0/user`, fix: { 403: tick('Account: Read') } },
      emails: {
        url: `${api}/2.0/user/emails`,
        read: 'list',
        pages: { rows: 'values', next: 'next' },
        isRow: hasFlags,
        isEnough: isPrimary,
        optional: 'e-mail addresses',
        fix: { 403: tick('Account: Email'), other: OUTAGE },
      },
    },
    isSubject: (subject) => UUID.test(subject),
    profile: ({ user, emails }) => ({
      subject: subjectOf(user),
      name: read.name(user.display_name, user.nickname),
      email: primaryAddress(emails),
      emailVerified: true,
      avatarUrl: read.url(avatarOf(user)),
      attributes: {
        accountId: read.text(user.account_id, 255),
        nickname: read.text(user.nickname, 255),
      },
      ...statusOf(user, refuseUnknownAccountStatus),
    }),
    emulated: (emulatorUrl) => bitbucket({ ...options, emulatorUrl }),
  })
}

/**
 * A `uuid`, verbatim, with its braces. `username`, `nickname` and an e-mail address can move to
 * another person: https://developer.atlassian.com/cloud/bitbucket/bitbucket-api-changes-gdpr/
 */
const UUID = /^\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}$/i

const SETUP =
  'Set BITBUCKET_CLIENT_ID and BITBUCKET_CLIENT_SECRET to what Bitbucket shows under Workspace settings, OAuth clients (or OAuth consumers). In development, omit both to use the emulator.'

const OUTAGE =
  'If this lasts, look for an outage at https://bitbucket.status.atlassian.com or a change at https://developer.atlassian.com/cloud/bitbucket/changelog.'

function credentials(
  { clientId, clientSecret }: BitbucketOptions,
  isEmulated: boolean,
): { readonly clientId: string | undefined; readonly clientSecret: string | undefined } {
  if (!isEmulated) return { clientId, clientSecret }
  return {
    clientId: clientId || EMULATED_CONSUMER.clientId,
    clientSecret: clientSecret || EMULATED_CONSUMER.clientSecret,
  }
}

function tick(permission: string): string {
  return `Tick ${permission} on the OAuth client (or OAuth consumer).`
}

/** A row without its flags does not prove that there is no primary address. */
function hasFlags({ email, is_primary, is_confirmed }: Row): boolean {
  if (is_primary === true && is_confirmed === true && typeof email !== 'string') return false
  return typeof is_primary === 'boolean' && typeof is_confirmed === 'boolean'
}

function isPrimary({ is_primary, is_confirmed }: Row): boolean {
  return is_primary === true && is_confirmed === true
}

function subjectOf({ type, uuid }: Row): string | null | undefined {
  if (type !== undefined && type !== 'user') {
    refuse('provider_bad_answer', 'GET /2.0/user answered without a user')
  }
  return read.id(uuid)
}

function avatarOf({ links }: Row): unknown {
  return isObject(links) && isObject(links.avatar) ? links.avatar.href : undefined
}

/**
 * Returns the primary address if it is confirmed, `null` if there is none, and `undefined` if
 * Bitbucket did not show whether there is one.
 */
function primaryAddress({ rows, complete }: List): string | null | undefined {
  const primary = rows.find(isPrimary)
  if (primary !== undefined) return read.email(primary.email)
  return complete ? null : undefined
}

function statusOf(
  { account_status: value }: Row,
  refuseUnknown: boolean,
): Pick<ReadProfile, 'active' | 'warnings'> {
  if (value === undefined) return { active: true }
  if (typeof value !== 'string') {
    return refuse(
      'provider_bad_answer',
      'GET /2.0/user returned an account_status that is not a string',
    )
  }
  const status = value.trim().toLowerCase()
  if (status === 'active') return { active: true }
  if (CLOSED_STATUSES.has(status)) return { active: false }
  // Log only a single word of the provider's text.
  const word = /^[a-z][a-z_-]{0,39}$/.test(status)
    ? `the account_status "${status}"`
    : 'an account_status'
  const outcome = refuseUnknown
    ? 'The person was refused, because `refuseUnknownAccountStatus` is set.'
    : 'The account counts as active. To refuse it, set `refuseUnknownAccountStatus: true` in bitbucket().'
  return {
    active: !refuseUnknown,
    warnings: [`Bitbucket returned ${word} that Latchkey does not know. ${outcome}`],
  }
}
