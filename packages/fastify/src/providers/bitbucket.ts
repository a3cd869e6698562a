import { bitbucketMark } from '@latchkey/contract'
import { FlowError, LatchkeyError } from '../http/errors.ts'
import { refuseUnknownOptions } from '../http/option-names.ts'
import { isLoopback } from '../http/request-origin.ts'
import { addressOf, compact, httpsUrl, plainText, saidNone } from './profile.ts'
import { isObject, type Profile, type Provider, type ProviderApi } from './provider.ts'

const SITE = 'https://bitbucket.org'
const API = 'https://api.bitbucket.org'

/** The consumer that the emulator accepts for any loopback callback. */
const EMULATED_CONSUMER = { clientId: 'latchkey-dev', clientSecret: 'latchkey-dev-secret' }

/** More pages of e-mail addresses than anybody has. A longer list counts as incomplete. */
const MAX_EMAIL_PAGES = 20

/** Every `account_status` that closes an account. Atlassian documents `active` alone, and that others may follow. */
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

export interface BitbucketOptions {
  /** Client ID of an OAuth client, or Key of an OAuth consumer. */
  readonly clientId?: string | undefined
  readonly clientSecret?: string | undefined
  /** First segment of its paths, and key of the stored identities. Default `bitbucket`. */
  readonly id?: string | undefined
  /** What people read on the button. Default `Bitbucket`; for two of them on one page. */
  readonly name?: string | undefined
  /**
   * Talks to a Bitbucket emulator at this loopback URL instead, with the emulator's own consumer unless
   * another is given. Production refuses it.
   */
  readonly emulatorUrl?: string | undefined
  /**
   * Refuses people whose `account_status` Latchkey does not know. By default they can sign in, with a
   * warning in the log: Atlassian may add values that do not mean closed. Statuses that mean closed, such
   * as `inactive` or `suspended`, are always refused. Default `false`.
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
 * Bitbucket Cloud as an OAuth 2.0 provider. Its scopes are set on the consumer: tick Account, Email and
 * Read. https://support.atlassian.com/bitbucket-cloud/docs/use-oauth-on-bitbucket-cloud/
 *
 * @throws LatchkeyError `LATCHKEY_OPTION_MISSING`, `LATCHKEY_OPTION_INVALID` or `LATCHKEY_OPTION_UNKNOWN`
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

/** Returns the nickname of a person who has no name. A name that was not returned is kept as it is stored. */
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
    throw new FlowError('provider_bad_answer', `GET /2.0/user answered ${status} and no user`)
  }
  return body
}

/** What Bitbucket returned of a person's e-mail addresses. */
interface Emails {
  readonly rows: readonly Record<string, unknown>[]
  /** Why `rows` may not be all of them, or `null` if they are. */
  readonly missing: string | null
}

/**
 * Reads the addresses from all pages. Never rejects: people sign in without an address, so an outage here,
 * or a client without the scope `email`, must not keep them out.
 */
async function readEmails(api: ProviderApi, base: string): Promise<Emails> {
  const rows: Record<string, unknown>[] = []
  const list = `${base}/2.0/user/emails`
  let url: string | null = list
  try {
    for (let page = 0; url !== null && page < MAX_EMAIL_PAGES; page++) {
      const { status, body } = await api.get(url, { optional: true })
      if (status !== 200 || !isObject(body) || !Array.isArray(body.values)) {
        return { rows, missing: `GET /2.0/user/emails answered ${status} and no list` }
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

/** Whether a row says of its address what decides: without it, the row is no evidence that there is none. */
function isEmail(row: unknown): boolean {
  if (!isObject(row)) return false
  return typeof row.is_primary === 'boolean' && typeof row.is_confirmed === 'boolean'
}

/**
 * Returns the address that is primary and confirmed, `null` if there is none, and `undefined` if Bitbucket
 * did not let us see whether there is one.
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
  // The log repeats nothing from a provider that could be more than a word.
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

/** The token is sent along, and the path may be logged, so that only the same list is asked for. */
function nextPage(next: unknown, list: string): string | null {
  if (next === undefined || next === null) return null
  if (typeof next === 'string' && /^\/?\?/.test(next.slice(list.length)) && next.startsWith(list)) {
    return next
  }
  throw new FlowError('provider_bad_answer', 'GET /2.0/user/emails names a next page elsewhere')
}

/**
 * `uuid`, verbatim, with its braces. Not `username`, `nickname` or an e-mail address, which change hands.
 * https://developer.atlassian.com/cloud/bitbucket/bitbucket-api-changes-gdpr/
 */
function subjectOf(user: Record<string, unknown>): string {
  const { type, uuid } = user
  if (type !== undefined && type !== 'user') {
    throw new FlowError('provider_bad_answer', 'GET /2.0/user answered something else than a user')
  }
  if (typeof uuid !== 'string' || !/^\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}$/i.test(uuid)) {
    throw new FlowError('provider_bad_answer', 'GET /2.0/user answered no well-formed uuid')
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
    `bitbucket(): \`${option}\` is missing. Set ${variable} to what Bitbucket shows under Workspace settings, OAuth clients (or OAuth consumers). In development, leave \`providers\` out to use the emulator.`,
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
