import type { Mark } from '@latchkey/contract'
import { completeSheet } from './complete-sheet.ts'
import type { Answers, ClientSecret, Provider, ReadProfile, Row } from './provider.ts'
import { read } from './read.ts'

/** The options of `oidc()`. */
export interface OidcOptions {
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
  /**
   * The provider's issuer, exactly as in its discovery document at
   * `<issuer>/.well-known/openid-configuration`.
   */
  readonly issuer: string
  readonly clientId: string | undefined
  /** Omit it for a public client, and set `clientAuth` to `none`. */
  readonly clientSecret?: ClientSecret | undefined
  /**
   * How the token request proves which application sends it: `client_secret_basic`,
   * `client_secret_post` or `client_secret_jwt`. Default `basic`.
   */
  readonly clientAuth?: 'basic' | 'post' | 'secret_jwt' | 'none' | undefined
  /** Default `['openid', 'profile', 'email']`. */
  readonly scope?: readonly string[] | undefined
  /** How the provider returns to the callback. Default `query`. */
  readonly responseMode?: 'query' | 'form_post' | undefined
  /** Whether to send PKCE (RFC 7636). Default `true`. */
  readonly pkce?: boolean | undefined
  /** Whether the ID token must repeat a nonce. Default `true`. */
  readonly nonce?: boolean | undefined
  /** Constant parameters of the authorization request. */
  readonly authorizeParameters?: Readonly<Record<string, string>> | undefined
  /**
   * Whether the claim `email_verified` counts. Set it only for a provider that verifies every
   * address itself. Default `false`.
   */
  readonly vouchesForEmail?: boolean | undefined
  /** Turns the claims into a profile. Default: the standard claims. */
  readonly profile?: ((claims: Row) => ReadProfile) | undefined
}

/** The claims that the default profile needs. */
const WANTED = ['name', 'email', 'email_verified', 'picture']

/**
 * Returns a provider that speaks OpenID Connect, such as Keycloak, Okta or Auth0. Its endpoints and
 * keys are discovered at the first sign-in and refreshed later, never at boot. Back-channel logout
 * is not offered.
 *
 * @throws LatchkeyError `LATCHKEY_OPTION_INVALID` or `LATCHKEY_OPTION_UNKNOWN`
 *
 * @example
 * const acme = oidc({
 *   id: 'acme',
 *   name: 'Acme',
 *   issuer: 'https://id.acme.example',
 *   clientId: process.env.ACME_CLIENT_ID,
 *   clientSecret: process.env.ACME_CLIENT_SECRET,
 * })
 */
export function oidc({ issuer, profile = standardProfile, ...sheet }: OidcOptions): Provider {
  return completeSheet({
    ...sheet,
    scope: sheet.scope ?? ['openid', 'profile', 'email'],
    vouchesForEmail: sheet.vouchesForEmail ?? false,
    openid: { issuer, wanted: WANTED },
    profile: ({ claims }: Answers) => profile(claims),
  })
}

/** Reads the standard claims (OpenID Connect Core 1.0 section 5.1). */
function standardProfile(claims: Row): ReadProfile {
  return {
    subject: read.id(claims.sub),
    name: read.text(claims.name),
    email: read.email(claims.email),
    emailVerified: read.flag(claims.email_verified) === true,
    avatarUrl: read.url(claims.picture),
    attributes: { username: read.text(claims.preferred_username, 255) },
  }
}
