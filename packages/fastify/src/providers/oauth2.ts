import type { Mark } from '@latchkey/contract'
import { defineProvider } from './define-provider.ts'
import type { ClientSecret, Provider, ReadProfile, Row } from './provider.ts'

/** The options of `oauth2()`. */
export interface OAuth2Options {
  /**
   * The first segment of the provider's paths, and part of the key of its identities. Do not change
   * it once people have signed in.
   */
  readonly id: string
  /** The name on the sign-in button. */
  readonly name: string
  /**
   * Whether people who have not signed in before become users. `false` lets only existing users sign in
   * with this provider. Default `true`, unless the plugin's option `signUp` is `closed`.
   */
  readonly signUp?: boolean | undefined
  /** The logo on the sign-in button. Default: a neutral one. */
  readonly mark?: Mark | undefined
  readonly clientId: string | undefined
  readonly clientSecret: ClientSecret | undefined
  /** Whether the token request sends the secret as HTTP Basic or in its body. Default `basic`. */
  readonly clientAuth?: 'basic' | 'post' | undefined
  /** Where people agree, such as `https://id.acme.example/authorize`. */
  readonly authorize: string
  /** Where a code is exchanged for a token, such as `https://id.acme.example/token`. */
  readonly token: string
  /**
   * Where the person's data is, as a JSON object, such as `https://api.acme.example/me`. In tests with
   * the contract suite, this step is called `user`.
   */
  readonly user: string
  readonly scope: readonly string[]
  /** What the provider sends as `iss` in its callback (RFC 9207), if it does. */
  readonly issuer?: string | undefined
  /** Whether to send PKCE (RFC 7636). Default `true`. */
  readonly pkce?: boolean | undefined
  /** Constant parameters of the authorization request. */
  readonly authorizeParameters?: Readonly<Record<string, string>> | undefined
  /**
   * Whether `emailVerified` of the profile counts. Set it only for a provider that verifies every
   * address itself. Default `false`.
   */
  readonly vouchesForEmail?: boolean | undefined
  /** Turns the person's data into a profile. Check every value, for example with `read`. */
  readonly profile: (user: Row) => ReadProfile
}

/**
 * Returns a company that speaks OAuth 2.0 and has one request for the person's data. For several
 * requests, use `defineProvider()`. For OpenID Connect, use `oidc()`.
 *
 * @throws LatchkeyError `LATCHKEY_OPTION_INVALID` or `LATCHKEY_OPTION_UNKNOWN`
 *
 * @example
 * const acme = oauth2({
 *   id: 'acme',
 *   name: 'Acme',
 *   clientId: process.env.ACME_CLIENT_ID,
 *   clientSecret: process.env.ACME_CLIENT_SECRET,
 *   authorize: 'https://id.acme.example/authorize',
 *   token: 'https://id.acme.example/token',
 *   user: 'https://api.acme.example/me',
 *   scope: ['profile'],
 *   profile: (user) => ({ subject: read.id(user.id), name: read.text(user.name) }),
 * })
 */
export function oauth2({ user, profile, ...sheet }: OAuth2Options): Provider {
  return defineProvider({
    ...sheet,
    vouchesForEmail: sheet.vouchesForEmail ?? false,
    steps: { user: { url: user } },
    profile: (answers) => profile(answers.user),
  })
}
