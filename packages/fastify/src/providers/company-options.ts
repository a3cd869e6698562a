import { LatchkeyError } from '../http/errors.ts'
import { refuseUnknownOptions } from '../http/option-names.ts'

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
}

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
  refuseUnknownOptions(options, ['clientId', 'clientSecret', 'id', 'name', ...more], {
    say: (name) => `${company}(): there is no option \`${name}\`.`,
  })
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
