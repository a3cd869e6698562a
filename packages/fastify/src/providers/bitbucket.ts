import { bitbucketMark } from '@latchkey/contract'
import { FlowError, LatchkeyError } from '../http/errors.ts'
import { isLoopback } from '../http/request-origin.ts'
import { addressOf, compact, httpsUrl, plainText } from './profile.ts'
import { isObject, type Profile, type Provider, type ProviderApi } from './provider.ts'

const SITE = 'https://bitbucket.org'
const API = 'https://api.bitbucket.org'

/** The consumer that the emulator accepts for any loopback callback. */
const EMULATED_CONSUMER = { clientId: 'latchkey-dev', clientSecret: 'latchkey-dev-secret' }

/** More pages of e-mail addresses than anybody has; a longer list is cut. */
const MAX_EMAIL_PAGES = 20

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
}

/**
 * Bitbucket Cloud as an OAuth 2.0 provider. Its scopes are set on the consumer: tick Account, Email and
 * Read. https://support.atlassian.com/bitbucket-cloud/docs/use-oauth-on-bitbucket-cloud/
 *
 * @throws LatchkeyError `LATCHKEY_OPTION_MISSING` or `LATCHKEY_OPTION_INVALID`
 */
export function bitbucket(options: BitbucketOptions = {}): Provider {
  const emulator = checkEmulatorUrl(options.emulatorUrl)
  const site = emulator ?? SITE
  const api = emulator ?? API

  return {
    id: options.id ?? 'bitbucket',
    name: options.name ?? 'Bitbucket',
    mark: bitbucketMark,
    clientId: required('clientId', options.clientId, emulator),
    clientSecret: required('clientSecret', options.clientSecret, emulator),
    authorizeUrl: `${site}/site/oauth2/authorize`,
    tokenUrl: `${site}/site/oauth2/access_token`,
    scope: ['account', 'email'],
    readProfile: (session) => readProfile(session, api),
  }
}

async function readProfile(api: ProviderApi, base: string): Promise<Profile> {
  const [user, emails] = await Promise.all([readUser(api, base), readEmails(api, base)])
  const primary = emails.find((email) => email.is_primary === true && email.is_confirmed === true)
  const email = addressOf(primary?.email)
  const { account_id, nickname, display_name, account_status, links } = user
  // Documented nowhere; every account that may sign in has been seen as "active".
  const status = account_status ?? 'active'

  return {
    subject: subjectOf(user),
    name: plainText(display_name, 200) ?? plainText(nickname, 200),
    email,
    emailVerified: email !== null,
    avatarUrl: httpsUrl(isObject(links) && isObject(links.avatar) ? links.avatar.href : null),
    active: typeof status === 'string' && status.toLowerCase() === 'active',
    attributes: compact({
      accountId: plainText(account_id, 255),
      nickname: plainText(nickname, 255),
    }),
    raw: { '/2.0/user': user, '/2.0/user/emails': emails },
  }
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

/**
 * The person's addresses, from all pages. A consumer without the `email` scope is answered 403; such a
 * person signs in without an address.
 */
async function readEmails(api: ProviderApi, base: string): Promise<Record<string, unknown>[]> {
  const emails: Record<string, unknown>[] = []
  const list = `${base}/2.0/user/emails`
  let url: string | null = list
  for (let page = 0; url !== null && page < MAX_EMAIL_PAGES; page++) {
    const { status, body } = await api.get(url)
    if (status === 403) return []
    if (status !== 200 || !isObject(body) || !Array.isArray(body.values)) {
      throw new FlowError(
        'provider_bad_answer',
        `GET /2.0/user/emails answered ${status} and no list`,
      )
    }
    emails.push(...body.values.filter(isObject))
    url = nextPage(body.next, list)
  }
  return emails
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
