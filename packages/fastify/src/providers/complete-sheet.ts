import type { Mark } from '@latchkey/contract'
import { invalidOption } from '../http/errors.ts'
import { refuseUnknownOptions } from '../http/option-names.ts'
import { checkSteps } from './check-steps.ts'
import { invalidProvider } from './invalid-provider.ts'
import { isObject, isSynchronous, type Provider } from './provider.ts'

/** One field of a sheet. */
interface Field {
  readonly otherwise?: unknown
  /** What a value must be, as the end of a sentence. */
  readonly demand: string
  isValid(value: unknown): boolean
}

/** The logo of a provider without one: a key. */
const NEUTRAL_MARK: Mark = {
  viewBox: '0 0 24 24',
  paths: [
    {
      d: 'M14.5 2a7.5 7.5 0 0 0-7.27 9.35L2 16.59V22h5.41v-2.7h2.7v-2.7h2.7l.84-.85A7.5 7.5 0 1 0 14.5 2m2.25 7.5a2.25 2.25 0 1 1 0-4.5 2.25 2.25 0 0 1 0 4.5',
    },
  ],
}

/** Parameters that Latchkey sets itself. */
const OWN_PARAMETERS = new Set([
  'client_id',
  'code_challenge',
  'code_challenge_method',
  'nonce',
  'redirect_uri',
  'response_mode',
  'response_type',
  'scope',
  'state',
])

const isFunction = (value: unknown): boolean => typeof value === 'function'
const isBoolean = (value: unknown): boolean => typeof value === 'boolean'
const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
const orMissing =
  (isValid: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === undefined || isValid(value)
const isOneOf =
  (...values: readonly string[]) =>
  (value: unknown): boolean =>
    values.includes(value as string)

/** The names of scopes: no spaces, which separate them (RFC 6749 section 3.3). */
function isScope(value: unknown): boolean {
  if (!Array.isArray(value)) return false
  return value.every((one) => typeof one === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(one))
}

function isMark(value: unknown): boolean {
  if (!isObject(value) || !isText(value.viewBox) || !Array.isArray(value.paths)) return false
  return value.paths.every((path) => {
    return isObject(path) && isText(path.d) && (path.fill === undefined || isText(path.fill))
  })
}

function areParameters(value: unknown): boolean {
  if (!isObject(value)) return false
  return Object.entries(value).every(([name, text]) => isText(text) && !OWN_PARAMETERS.has(name))
}

/** A URL to which nothing must be added but a query. */
export function isEndpoint(value: unknown): boolean {
  const url = typeof value === 'string' ? URL.parse(value) : null
  return url !== null && /^https?:$/.test(url.protocol) && url.href === url.origin + url.pathname
}

const ENDPOINT = 'must be an http or https URL without credentials, query or fragment'
const SCOPES = "must be an array of scopes, such as ['profile', 'email']"

const FIELDS: Readonly<Record<keyof Provider, Field>> = {
  id: { demand: 'must be a string', isValid: isText },
  name: { demand: "must be the company's name, such as 'Acme'", isValid: isText },
  mark: {
    otherwise: NEUTRAL_MARK,
    demand: 'must be { viewBox, paths: [{ d, fill }] }',
    isValid: isMark,
  },
  signUp: { otherwise: true, demand: 'must be true or false', isValid: isBoolean },
  clientId: {
    demand: 'must be a string',
    isValid: orMissing((value) => typeof value === 'string'),
  },
  clientSecret: {
    demand: 'must be a string, or a function that returns one',
    isValid: orMissing((value) => typeof value === 'string' || isFunction(value)),
  },
  clientAuth: {
    otherwise: 'basic',
    demand: "must be 'basic', 'post', 'none' or 'secret_jwt'",
    isValid: isOneOf('basic', 'post', 'none', 'secret_jwt'),
  },
  setup: {
    demand: 'must be a sentence that says where to find the credentials',
    isValid: orMissing(isText),
  },
  authorize: { demand: ENDPOINT, isValid: orMissing(isEndpoint) },
  token: { demand: ENDPOINT, isValid: orMissing(isEndpoint) },
  issuer: {
    demand: 'must be a string, such as https://id.acme.example',
    isValid: orMissing(isText),
  },
  openid: {
    demand:
      "must be { issuer, metadata?, isIssuer?, wanted? }, with an http or https URL as `issuer`, such as 'https://id.acme.example'",
    isValid: orMissing(isOpenId),
  },
  nonce: { otherwise: true, demand: 'must be true or false', isValid: isBoolean },
  pkce: { otherwise: true, demand: 'must be true or false', isValid: isBoolean },
  responseMode: {
    otherwise: 'query',
    demand: "must be 'query' or 'form_post'",
    isValid: isOneOf('query', 'form_post'),
  },
  posted: {
    otherwise: [],
    demand: "must be an array of names of form fields, such as ['user']",
    isValid: (value) => Array.isArray(value) && value.every(isText),
  },
  scope: { demand: SCOPES, isValid: isScope },
  optionalScopes: { otherwise: [], demand: SCOPES, isValid: isScope },
  authorizeParameters: {
    otherwise: {},
    demand: `must be an object of strings, without ${[...OWN_PARAMETERS].join(', ')}, which Latchkey sets`,
    isValid: areParameters,
  },
  vouchesForEmail: { demand: 'must be true or false', isValid: isBoolean },
  steps: { otherwise: {}, demand: 'must be an object of requests, by name', isValid: isObject },
  isSubject: {
    otherwise: () => true,
    demand: 'must be a function that returns a boolean, not a promise',
    isValid: isSynchronous,
  },
  profile: {
    demand: 'must be a function that returns a profile, not a promise',
    isValid: isSynchronous,
  },
  emulated: {
    demand: 'must be a name or a function',
    isValid: orMissing((value) => isText(value) || isFunction(value)),
  },
}

function isOpenId(value: unknown): boolean {
  if (!isObject(value) || typeof value.issuer !== 'string') return false
  const { issuer, metadata, isIssuer, wanted } = value
  // A template such as {tenantid} is part of an issuer, although it is no part of a URL.
  return (
    isEndpoint(metadata ?? metadataOf(issuer)) &&
    (isIssuer === undefined || isSynchronous(isIssuer)) &&
    (wanted === undefined || (Array.isArray(wanted) && wanted.every(isText)))
  )
}

/** Returns where an issuer publishes its metadata (OpenID Connect Discovery 1.0 section 4). */
export function metadataOf(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
}

/**
 * Checks a sheet field by field and fills in its defaults. Error messages name the provider, the
 * field and the fix, and never contain a credential.
 * @throws LatchkeyError
 */
export function completeSheet(sheet: unknown): Provider {
  if (!isObject(sheet) || (sheet.id === undefined && sheet.profile === undefined)) {
    throw invalidOption('providers', 'must contain only providers, such as bitbucket({ … })')
  }
  const id = checkId(sheet.id)
  refuseUnknownOptions(sheet, Object.keys(FIELDS), {
    say: (name) => `Provider \`${id}\`: there is no field \`${name}\`.`,
  })
  const complete: Record<string, unknown> = {}
  for (const [name, { otherwise, demand, isValid }] of Object.entries(FIELDS)) {
    const value = sheet[name] ?? otherwise
    if (!isValid(value)) throw invalidProvider(id, `\`${name}\` ${demand}`)
    complete[name] = value
  }
  const provider = complete as unknown as Provider
  checkEndpointsAreGiven(provider)
  checkOpenId(provider)
  checkCombinations(provider)
  checkSteps(provider)
  return provider
}

function checkId(id: unknown): string {
  if (typeof id === 'string' && /^[a-z][a-z0-9-]{0,31}$/.test(id)) return id
  throw invalidOption(
    'providers',
    'contains an invalid id. An id starts with a lowercase letter, and has at most 32 lowercase letters, digits and hyphens',
  )
}

function checkEndpointsAreGiven({ id, authorize, token, issuer, openid }: Provider): void {
  const own = { authorize, token, issuer }
  if (openid !== undefined) {
    const surplus = Object.entries(own).find(([, value]) => value !== undefined)
    if (surplus === undefined) return
    throw invalidProvider(id, `\`${surplus[0]}\` must be omitted, because \`openid\` discovers it`)
  }
  for (const name of ['authorize', 'token'] as const) {
    if (own[name] !== undefined) continue
    throw invalidProvider(id, `\`${name}\` is missing. Set it, or set \`openid\` to discover it`)
  }
}

function checkOpenId({ id, openid, scope }: Provider): void {
  if (openid === undefined || scope.includes('openid')) return
  throw invalidProvider(id, "`scope` must contain 'openid', because `openid` is set")
}

function checkCombinations({
  id,
  clientAuth,
  clientSecret,
  pkce,
  posted,
  responseMode,
}: Provider): void {
  if (clientAuth === 'none' && clientSecret !== undefined) {
    throw invalidProvider(id, "`clientSecret` must be omitted with clientAuth: 'none'")
  }
  if (clientAuth === 'none' && !pkce) {
    throw invalidProvider(id, "`pkce` must be true with clientAuth: 'none'")
  }
  if (responseMode === 'query' && posted.length > 0) {
    throw invalidProvider(id, "`posted` requires responseMode: 'form_post'")
  }
}
