import { bitbucketMark } from '@latchkey/contract'
import { FlowError, LatchkeyError } from '../http/errors.ts'
import { refuseUnknownOptions } from '../http/option-names.ts'
import { isLoopback } from '../http/request-origin.ts'
import { addressOf, compact, httpsUrl, plainText, saidNone } from './profile.ts'
import { isObject, type Profile, type Provider, type ProviderApi } from './provider.ts'

const SITE = 'https://bitbucket.org'
const API = 'https://api.bitbucket.org'

/** The consumer that the emulator accepts with any loopback callback. */
const EMULATED_CONSUMER = { clientId: 'latchkey-dev', clientSecret: 'latchkey-dev-secret' }

/** A longer list of e-mail addresses counts as incomplete. No real account has this many pages. */
const MAX_EMAIL_PAGES = 20

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
  const emulator = checkEmulatorUrl(options.emulatorUrl)
  const site = emulator ?? SITE
  const api = emulator ?? API
  const refuseUnknownAccountStatus = options.refuseUnknownAccountStatus ?? false
  if (typeof refuseUnknownAccountStatus !== 'boolean') {
    throw new LatchkeyError(
      'LATCHKEY_OPTION_INVALID',
      'bitbucket(): `refuseUnknownAccountStatus` must be true or false.',
    )
  }

  return {
    id: options.id ?? 'bitbucket',
    name: options.name ?? 'Bitbucket',
    mark: bitbucketMark,
    clientId: required('clientId', options.clientId, emulator),
    clientSecret: required('clientSecret', options.clientSecret, emulator),
    authorizeUrl: `${site}/site/oauth2/authorize`,
    tokenUrl: `${site}/site/oauth2/access_token`,
    scope: ['account', 'email'],
    readProfile: (session) => readProfile(session, api, refuseUnknownAccountStatus),
  }
}

async function readProfile(
  api: ProviderApi,
  base: string,
  refuseUnknownStatus: boolean,
): Promise<Profile> {
  const [user, emails] = await Promise.all([readUser(api, base), readEmails(api, base)])
  const { account_id, nickname, display_name, links } = user
  const avatar = isObject(links) && isObject(links.avatar) ? links.avatar.href : undefined
  const email = primaryAddress(emails)
  const status = readStatus(user.account_status, refuseUnknownStatus)

  return {
    subject: subjectOf(user),
    name: plainText(display_name, 200) ?? nameWithout(display_name, nickname),
    email,
    emailVerified: typeof email === 'string',
    avatarUrl: httpsUrl(avatar) ?? saidNone(avatar),
    active: status.active,
    attributes: compact({
      accountId: plainText(account_id, 255),
      nickname: plainText(nickname, 255),
    }),
    raw: {
      '/2.0/user': user,
      ...(emails.missing === null && { '/2.0/user/emails': emails.rows }),
    },
    warnings: [
      ...(email === undefined ? [missingAddress(emails)] : []),
      ...(status.warning === undefined ? [] : [status.warning]),
    ],
  }
}

/**
 * Returns the nickname of a person without a name. If Bitbucket did not return the name, the stored
 * one is kept.
 */
function nameWithout(displayName: unknown, nickname: unknown): string | null | undefined {
  return saidNone(displayName) === null ? plainText(nickname, 200) : undefined
}

async function readUser(api: ProviderApi, base: string): Promise<Record<string, unknown>> {
  const { status, body } = await api.get(`${base}/2.0/user`)
  if (status === 403) {
    throw new FlowError(
      'provider_refused',
      'GET /2.0/user answered 403: tick Account: Read on the consumer',
    )
  }
  if (status === 401) throw new FlowError('provider_refused', 'GET /2.0/user answered 401')
  if (status !== 200 || !isObject(body)) {
    throw new FlowError('provider_bad_answer', `GET /2.0/user answered ${status} without a user`)
  }
  return body
}

/** The e-mail addresses that Bitbucket returned for a person. */
interface Emails {
  readonly rows: readonly Record<string, unknown>[]
  /** Why `rows` may be incomplete, or `null` if it is complete. */
  readonly missing: string | null
}

/**
 * Reads the addresses from all pages. Never rejects, because people can sign in without an address.
 * An outage here, or a client without the scope `email`, must not lock them out.
 */
async function readEmails(api: ProviderApi, base: string): Promise<Emails> {
  const rows: Record<string, unknown>[] = []
  const list = `${base}/2.0/user/emails`
  let url: string | null = list
  try {
    for (let page = 0; url !== null && page < MAX_EMAIL_PAGES; page++) {
      const { status, body } = await api.get(url, { optional: true })
      if (status !== 200 || !isObject(body) || !Array.isArray(body.values)) {
        return { rows, missing: `GET /2.0/user/emails answered ${status} without a list` }
      }
      rows.push(...body.values.filter(isObject))
      if (!body.values.every(isEmail)) {
        return { rows, missing: 'GET /2.0/user/emails returned a row without its flags' }
      }
      url = nextPage(body.next, list)
    }
  } catch (error) {
    // Only the messages of our own errors are free of secrets.
    const reason = error instanceof FlowError ? error.message : 'got no answer'
    return { rows, missing: reason }
  }
  const missing = url === null ? null : `GET /2.0/user/emails has over ${MAX_EMAIL_PAGES} pages`
  return { rows, missing }
}

/**
 * Whether a row has both flags of an address. A row without them does not prove that there is no
 * primary address.
 */
function isEmail(row: unknown): boolean {
  if (!isObject(row)) return false
  return typeof row.is_primary === 'boolean' && typeof row.is_confirmed === 'boolean'
}

/**
 * Returns the primary address if it is confirmed, `null` if there is none, and `undefined` if
 * Bitbucket did not show whether there is one.
 */
function primaryAddress({ rows, missing }: Emails): string | null | undefined {
  const primary = rows.find((row) => row.is_primary === true && row.is_confirmed === true)
  if (primary !== undefined) return addressOf(primary.email) ?? saidNone(primary.email)
  return missing === null ? null : undefined
}

function missingAddress({ missing }: Emails): string {
  const reason = missing ?? 'GET /2.0/user/emails returned a primary address that is not a string'
  const cure = / answered 403 /.test(reason)
    ? 'Tick Account: Email on the OAuth client (or OAuth consumer).'
    : 'If this lasts, look for an outage at https://bitbucket.status.atlassian.com or a change at https://developer.atlassian.com/cloud/bitbucket/changelog.'
  return `Bitbucket did not return the person's e-mail addresses (${reason}). The person can sign in, and a stored address is kept. ${cure}`
}

function readStatus(
  value: unknown,
  refuseUnknown: boolean,
): { readonly active: boolean; readonly warning?: string } {
  if (value === undefined) return { active: true }
  if (typeof value !== 'string') {
    throw new FlowError(
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
    warning: `Bitbucket returned ${word} that Latchkey does not know. ${outcome}`,
  }
}

/**
 * The request carries the token, and its path may be logged, so only follow links within the same
 * list.
 */
function nextPage(next: unknown, list: string): string | null {
  if (next === undefined || next === null) return null
  if (typeof next === 'string' && /^\/?\?/.test(next.slice(list.length)) && next.startsWith(list)) {
    return next
  }
  throw new FlowError(
    'provider_bad_answer',
    'GET /2.0/user/emails links to a next page outside the list',
  )
}

/**
 * Returns `uuid`, verbatim, with its braces. Not `username`, `nickname` or an e-mail address, which
 * can move to another person.
 * https://developer.atlassian.com/cloud/bitbucket/bitbucket-api-changes-gdpr/
 */
function subjectOf(user: Record<string, unknown>): string {
  const { type, uuid } = user
  if (type !== undefined && type !== 'user') {
    throw new FlowError('provider_bad_answer', 'GET /2.0/user answered without a user')
  }
  if (typeof uuid !== 'string' || !/^\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}$/i.test(uuid)) {
    throw new FlowError('provider_bad_answer', 'GET /2.0/user answered without a well-formed uuid')
  }
  return uuid
}

function required(
  option: keyof typeof EMULATED_CONSUMER,
  value: string | undefined,
  emulator: string | undefined,
): string {
  if (value !== undefined && value !== '') return value
  if (emulator !== undefined) return EMULATED_CONSUMER[option]
  const variable = option === 'clientId' ? 'BITBUCKET_CLIENT_ID' : 'BITBUCKET_CLIENT_SECRET'
  throw new LatchkeyError(
    'LATCHKEY_OPTION_MISSING',
    `bitbucket(): \`${option}\` is missing. Set ${variable} to what Bitbucket shows under Workspace settings, OAuth clients (or OAuth consumers). In development, omit \`providers\` to use the emulator.`,
  )
}

function checkEmulatorUrl(emulatorUrl: string | undefined): string | undefined {
  if (emulatorUrl === undefined || emulatorUrl === '') return undefined
  const url = URL.canParse(emulatorUrl) ? new URL(emulatorUrl) : null
  if (
    url === null ||
    url.protocol !== 'http:' ||
    !isLoopback(url.hostname) ||
    url.pathname !== '/'
  ) {
    throw new LatchkeyError(
      'LATCHKEY_OPTION_INVALID',
      'bitbucket(): `emulatorUrl` must be a loopback URL without a path, such as http://127.0.0.1:4020.',
    )
  }
  return url.origin
}
