// The companies that people sign in with. This room promises: one file describes one company; whatever it
// answers is checked before anybody uses it; and a company that is slow or hostile cannot hold up others.

import type { Mark } from '@latchkey/contract'

/**
 * What a provider says about a person; transient. In `name`, `email` and `avatarUrl`, `null` means that
 * there is none, and replaces what is stored. A missing field or `undefined` means that the provider did not
 * return it, because of a missing permission or an outage, and what is stored is kept.
 */
export interface Profile {
  /** The provider's unchangeable name for the person: 1 to 255 printable ASCII characters, no spaces. */
  readonly subject: string
  readonly name?: string | null | undefined
  readonly email?: string | null | undefined
  /** Whether the provider vouches for `email`. Never `true` without one. */
  readonly emailVerified: boolean
  /** An `https:` URL, never fetched by us. */
  readonly avatarUrl?: string | null | undefined
  /** `false` if the provider has closed or suspended the account. */
  readonly active: boolean
  /** What else the provider calls the person, kept with the identity. A stored attribute that is missing here is kept. */
  readonly attributes: Readonly<Record<string, string>>
  /** The provider's own answers, by path. For an application that wants more; never stored. */
  readonly raw: Readonly<Record<string, unknown>>
  /** Sentences for the server's log: what the provider did not return or nobody expected, and the fix. */
  readonly warnings?: readonly string[] | undefined
}

/** Knows one company: where its endpoints are, which scopes to ask for, how to read a profile. */
export interface Provider {
  /** First segment of its paths and key of its identities: never change it once people have signed in. */
  readonly id: string
  readonly name: string
  readonly mark: Mark
  readonly clientId: string
  readonly clientSecret: string
  /** At https, as `tokenUrl` is, and not on this machine: production refuses anything else. */
  readonly authorizeUrl: string
  readonly tokenUrl: string
  readonly scope: readonly string[]
  /** Reads the profile of the person whose access token `api` sends. */
  readProfile(api: ProviderApi): Promise<Profile>
}

/** The provider's API on behalf of one person. */
export interface ProviderApi {
  /**
   * A GET with the person's access token in the `Authorization` header, and nowhere else.
   * @param options.optional Whether the sign-in can do without the answer. Such a request takes at most half
   *   of the time that is left. Its failure still rejects: catch it.
   * @returns the status and the parsed JSON of an answer below 500 that is not a 429
   * @throws FlowError `provider_unavailable` or `provider_bad_answer`
   */
  get(
    url: string,
    options?: { readonly optional?: boolean },
  ): Promise<{ status: number; body: unknown }>
}

/** Whether parsed JSON is an object, and not a list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
