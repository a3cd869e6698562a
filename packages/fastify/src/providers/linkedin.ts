import { linkedinMark } from '@latchkey/contract'
import { type CompanyOptions, checkOptions, common, setupOf } from './company-options.ts'
import { defineProvider } from './define-provider.ts'
import type { Provider } from './provider.ts'
import { read } from './read.ts'

/**
 * Returns LinkedIn as a provider. Add the product "Sign In with LinkedIn using OpenID Connect" to
 * the app. LinkedIn has neither PKCE nor a nonce for it.
 * https://learn.microsoft.com/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2
 *
 * @throws LatchkeyError `LATCHKEY_OPTION_INVALID` or `LATCHKEY_OPTION_UNKNOWN`
 *
 * @example
 * linkedin({
 *   clientId: process.env.LINKEDIN_CLIENT_ID,
 *   clientSecret: process.env.LINKEDIN_CLIENT_SECRET,
 * })
 */
export function linkedin(options: CompanyOptions = {}): Provider {
  checkOptions('linkedin', options)

  return defineProvider({
    ...common(options, 'linkedin', 'LinkedIn'),
    mark: linkedinMark,
    setup: setupOf('LINKEDIN', 'https://www.linkedin.com/developers/apps'),
    openid: {
      issuer: 'https://www.linkedin.com/oauth',
      // ID tokens have named both: https://github.com/keycloak/keycloak/issues/28686
      isIssuer: (iss) => /^https:\/\/www\.linkedin\.com(\/oauth)?$/.test(iss),
      wanted: ['name', 'email', 'picture'],
    },
    clientAuth: 'post',
    pkce: false,
    nonce: false,
    scope: ['openid', 'profile', 'email'],
    vouchesForEmail: true,
    profile: ({ claims }) => ({
      subject: read.id(claims.sub),
      name: read.text(claims.name),
      email: read.email(claims.email),
      emailVerified: read.flag(claims.email_verified) === true,
      avatarUrl: read.url(claims.picture),
    }),
  })
}
