// The companies that people sign in with. This room promises that one file describes one company,
// that every response is checked before use, and that a slow or hostile company cannot slow down
// the others.

import type { Mark } from '@latchkey/contract'

/**
 * The data that a provider returns about a person. Latchkey stores the parts it needs and discards
 * the rest.
 *
 * In `name`, `email` and `avatarUrl`, `null` means that the person has none, and replaces the
 * stored value. A missing field or `undefined` means that the provider did not return it, because
 * of a missing permission or an outage. The stored value is kept.
 */
export interface Profile {
  /** The provider's permanent id for the person: 1 to 255 printable ASCII characters, no spaces. */
  readonly subject: string
  readonly name?: string | null | undefined
  readonly email?: string | null | undefined
  /** Whether the provider has verified `email`. Never `true` without an `email`. */
  readonly emailVerified: boolean
  /** An `https:` URL. Latchkey never fetches it. */
  readonly avatarUrl?: string | null | undefined
  /** `false` if the provider has closed or suspended the account. Such a person cannot sign in. */
  readonly active: boolean
  /**
   * Other names and ids of the person, stored with the identity. A stored attribute that is missing
   * here is kept.
   */
  readonly attributes: Readonly<Record<string, string>>
  /** The provider's own responses, by path. Passed to `sign-in` listeners, never stored. */
  readonly raw: Readonly<Record<string, unknown>>
  /**
   * Sentences for the server's log: what the provider did not return or returned unexpectedly, and
   * the fix.
   */
  readonly warnings?: readonly string[] | undefined
}

/**
 * Describes one company: its endpoints, its scopes, and how to read a profile. `bitbucket()` returns
 * one. Not available yet: ready-made providers for other companies.
 *
 * @example
 * const acme: Provider = {
 *   id: 'acme',
 *   name: 'Acme',
 *   mark: acmeMark,
 *   clientId: process.env.ACME_CLIENT_ID ?? '',
 *   clientSecret: process.env.ACME_CLIENT_SECRET ?? '',
 *   authorizeUrl: 'https://id.acme.example/authorize',
 *   tokenUrl: 'https://id.acme.example/token',
 *   scope: ['profile'],
 *   async readProfile(api) {
 *     const { status, body } = await api.get('https://api.acme.example/me')
 *     if (status !== 200) throw new Error(`GET /me answered ${status}`)
 *     const { id, name } = body as { id: string; name: string }
 *     return { subject: id, name, emailVerified: false, active: true, attributes: {}, raw: {} }
 *   },
 * }
 */
export interface Provider {
  /**
   * The first segment of the provider's paths, and part of the key of its identities. Do not change
   * it once people have signed in.
   */
  readonly id: string
  readonly name: string
  readonly mark: Mark
  readonly clientId: string
  readonly clientSecret: string
  /**
   * A URL without credentials, query or fragment, like `tokenUrl`. Production requires https, and
   * rejects loopback URLs.
   */
  readonly authorizeUrl: string
  readonly tokenUrl: string
  readonly scope: readonly string[]
  /**
   * Reads the profile of the person whose access token `api` sends. Latchkey checks the result. If
   * this rejects with an error of your own, the sign-in fails with `server_error`, and the error's
   * message is logged.
   */
  readProfile(api: ProviderApi): Promise<Profile>
}

/** The provider's API, called on behalf of one person. */
export interface ProviderApi {
  /**
   * Sends a GET request with the person's access token in the `Authorization` header.
   *
   * Rejects if the provider is unreachable, is too slow, or responds with 429, 5xx or a body that
   * is not JSON. Let the error pass: the sign-in then fails with `provider_unavailable` or
   * `provider_bad_answer`.
   * @param options.optional Whether the sign-in can continue without the response. Such a request
   *   takes at most half of the time that is left. It still rejects if it fails, so catch the
   *   error.
   * @returns the status, which is below 500 and not 429, and the parsed JSON body
   *
   * @example
   * const { status, body } = await api.get('https://api.acme.example/me')
   */
  get(
    url: string,
    options?: { readonly optional?: boolean },
  ): Promise<{ status: number; body: unknown }>
}

/** Whether parsed JSON is an object and not an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
