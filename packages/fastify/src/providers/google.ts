import { googleMark } from '@latchkey/contract'
import { LatchkeyError } from '../http/errors.ts'
import { type CompanyOptions, checkOptions, common, setupOf } from './company-options.ts'
import { defineProvider } from './define-provider.ts'
import type { Provider } from './provider.ts'
import { read } from './read.ts'
import { refuse } from './refuse.ts'

/** The options of `google()`. */
export interface GoogleOptions extends CompanyOptions {
  /**
   * Only people of this Google Workspace or Cloud domain may sign in, such as `example.com`. Default:
   * every Google account.
   */
  readonly hostedDomain?: string | undefined
}

/**
 * Returns Google as a provider.
 * https://developers.google.com/identity/openid-connect/openid-connect
 *
 * @throws LatchkeyError `LATCHKEY_OPTION_INVALID` or `LATCHKEY_OPTION_UNKNOWN`
 *
 * @example
 * google({
 *   clientId: process.env.GOOGLE_CLIENT_ID,
 *   clientSecret: process.env.GOOGLE_CLIENT_SECRET,
 * })
 */
export function google(options: GoogleOptions = {}): Provider {
  checkOptions('google', options, ['hostedDomain'])
  const hostedDomain = checkDomain(options.hostedDomain)

  return defineProvider({
    ...common(options, 'google', 'Google'),
    mark: googleMark,
    setup: setupOf('GOOGLE', 'https://console.cloud.google.com/auth/clients'),
    openid: {
      issuer: 'https://accounts.google.com',
      isIssuer: (iss) => /^(https:\/\/)?accounts\.google\.com$/.test(iss),
    },
    clientAuth: 'post',
    scope: ['openid', 'email', 'profile'],
    authorizeParameters: {
      ...options.authorizeParameters,
      ...(hostedDomain !== undefined && { hd: hostedDomain }),
    },
    vouchesForEmail: true,
    profile: ({ claims }) => {
      // `hd` in the request is a hint, which people can remove.
      if (hostedDomain !== undefined && claims.hd !== hostedDomain) {
        refuse('provider_refused', 'the account is not in `hostedDomain`')
      }
      return {
        subject: read.id(claims.sub),
        name: read.text(claims.name),
        email: read.email(claims.email),
        emailVerified: read.flag(claims.email_verified) === true,
        avatarUrl: read.url(claims.picture),
        attributes: { hostedDomain: read.text(claims.hd) },
      }
    },
  })
}

/** An empty domain would refuse everyone, and one in capital letters never equals the claim. */
function checkDomain(domain: string | undefined): string | undefined {
  if (domain === undefined || /^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(domain)) return domain
  throw new LatchkeyError(
    'LATCHKEY_OPTION_INVALID',
    "google(): `hostedDomain` must be a domain in lowercase letters, such as 'example.com'. Omit it to admit every Google account.",
  )
}
