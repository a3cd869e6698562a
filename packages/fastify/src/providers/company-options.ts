import { LatchkeyError } from '../http/errors.ts'
import { refuseUnknownOptions } from '../http/option-names.ts'
import type { Provider } from './provider.ts'

/** The options that every company's function has. */
export interface CompanyOptions {
  readonly clientId?: string | undefined
  readonly clientSecret?: string | undefined
  /**
   * The first segment of its paths, and part of the key of its identities. Default: the name of the
   * function.
   */
  readonly id?: string | undefined
  /** The name on the sign-in button. Default: the company's name. */
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
}

const COMMON = ['clientId', 'clientSecret', 'id', 'name', 'signUp', 'authorizeParameters']

/**
 * Rejects an unknown option of a company's function.
 * @param company The name of the function, such as `github`.
 * @param more The options of this company alone.
 * @throws LatchkeyError `LATCHKEY_OPTION_UNKNOWN`
 */
export function checkOptions(
  company: string,
  options: CompanyOptions,
  more: readonly string[] = [],
): void {
  refuseUnknownOptions(options, [...COMMON, ...more], {
    say: (name) => `${company}(): there is no option \`${name}\`.`,
  })
}

/**
 * Returns the fields of a sheet that every company's options have in common.
 * @param id The default id, which is also the name under which development emulates the company.
 * @param name The default name.
 */
export function common(
  { clientId, clientSecret, signUp, authorizeParameters, ...options }: CompanyOptions,
  id: string,
  name: string,
): Pick<Provider, 'id' | 'name' | 'clientId'> & {
  readonly clientSecret: string | undefined
  readonly signUp: boolean | undefined
  readonly authorizeParameters: CompanyOptions['authorizeParameters']
  readonly emulated: string
} {
  return {
    id: options.id ?? id,
    name: options.name ?? name,
    clientId,
    clientSecret,
    signUp,
    authorizeParameters,
    emulated: id,
  }
}

/**
 * Returns the URL of a company's own server, without a slash at its end.
 * @param otherwise The URL of the company's public service, if it has one.
 * @throws LatchkeyError if it is missing, or is more than scheme, host and path
 */
export function serverUrl(company: string, url: string | undefined, otherwise?: string): string {
  const given = url === undefined || url === '' ? otherwise : url
  const parsed = given === undefined ? null : URL.parse(given)
  const isPlain = parsed !== null && parsed.href === parsed.origin + parsed.pathname
  if (parsed !== null && isPlain && /^https?:$/.test(parsed.protocol)) {
    return parsed.href.replace(/\/+$/, '')
  }
  if (given === undefined) {
    throw new LatchkeyError(
      'LATCHKEY_OPTION_MISSING',
      `${company}(): \`url\` is missing. Pass the URL of your server, such as 'https://git.example.com'.`,
    )
  }
  throw new LatchkeyError(
    'LATCHKEY_OPTION_INVALID',
    `${company}(): \`url\` must be the URL of your server, such as 'https://git.example.com', without credentials, query or fragment.`,
  )
}

/** Returns the sentence about missing credentials: which variables to set, and where to find them. */
export function setupOf(prefix: string, place: string): string {
  return `Set ${prefix}_CLIENT_ID and ${prefix}_CLIENT_SECRET to the values at ${place}.`
}
