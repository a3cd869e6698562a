// The companies that people sign in with. This room promises that one file describes one company,
// that every response is checked before use, and that a slow or hostile company cannot slow down
// the others.

import type { ErrorCode, Mark } from '@latchkey/contract'

/** A JSON object from a provider. Check every value before you use it. */
export type Row = Readonly<Record<string, unknown>>

/** The rows of all pages of a list. */
export interface List {
  readonly rows: readonly Row[]
  /**
   * `false` if the provider did not return the whole list, so that a missing row proves nothing.
   */
  readonly complete: boolean
}

/** One request for data about the person. */
export type Step = ObjectStep | ListStep | TextStep | HeaderStep

interface AnyStep {
  /**
   * An absolute URL. A step with a URL is sent at once. A step with a function waits for all steps
   * above it, and builds its URL from their answers.
   */
  readonly url: string | ((earlier: Readonly<Record<string, unknown>>) => string)
  /** Default `GET`. */
  readonly method?: 'GET' | 'POST' | undefined
  /** The JSON body of a `POST`. */
  readonly body?: Row | undefined
  /** Extra headers. `Authorization` is always the person's access token. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /**
   * Names what the profile lacks without this step, such as `e-mail addresses`. The sign-in then
   * continues without an answer, and a warning is logged. Default: the sign-in fails.
   */
  readonly optional?: string | undefined
  /** How to fix a failure, by status or for all others, as a sentence for the log. */
  readonly fix?: (Readonly<Record<number, string>> & { readonly other?: string }) | undefined
  /** What a refusal means, by status. Default: `provider_refused` for 401 and 403. */
  readonly refused?: Readonly<Record<number, RefusalCode>> | undefined
}

interface SingleStep extends AnyStep {
  readonly pages?: undefined
  readonly isRow?: undefined
  readonly isEnough?: undefined
}

interface ObjectStep extends SingleStep {
  /** What to read from the response. Default `object`: a JSON object. */
  readonly read?: 'object' | undefined
}

interface ListStep extends AnyStep {
  /** A JSON array of objects, or with `pages`, the rows of all pages. */
  readonly read: 'list'
  /**
   * Where a page keeps its rows and the URL of the next page, such as
   * `{ rows: 'values', next: 'next' }`. `link` follows the `Link` header (RFC 8288). A next page on
   * another path is rejected, because the request carries the person's token.
   */
  readonly pages?: 'link' | { readonly rows: string; readonly next: string } | undefined
  /** Whether a row has all its fields. A row that does not makes the list incomplete. */
  readonly isRow?: ((row: Row) => boolean) | undefined
  /** Whether a row is the one that the profile needs. No further pages are requested then. */
  readonly isEnough?: ((row: Row) => boolean) | undefined
}

interface TextStep extends SingleStep {
  /** The whole body as text. */
  readonly read: 'text'
}

interface HeaderStep extends SingleStep {
  /** One response header, such as `{ header: 'x-ausername' }`. Empty if it is missing. */
  readonly read: { readonly header: string }
}

/** The requests that read a profile, by name. */
export type Steps = Readonly<Record<string, Step>>

/** Rejects unknown fields of a step. TypeScript reports an error at that step only. */
type Exact<S> = S & Step & { readonly [Field in Exclude<keyof S, FieldOf<Step>>]: never }

type FieldOf<S> = S extends unknown ? keyof S : never

type AnswerOf<S> = S extends { readonly read: 'list' }
  ? List
  : (S extends { readonly read: 'text' | { readonly header: string } } ? string : Row) | Absence<S>

type Absence<S> = S extends { readonly optional: string } ? undefined : never

/** What `profile()` gets: the answer of each step by its name, and data from the sign-in itself. */
export type Answers<S = Steps> = {
  readonly [Name in keyof S]: AnswerOf<S[Name]>
} & {
  /** The verified claims of the ID token, completed by UserInfo. Empty without OpenID Connect. */
  readonly claims: Row
  /** The fields of `posted` that the provider sent. */
  readonly posted: Readonly<Record<string, string | undefined>>
}

/**
 * What a sheet reads about a person.
 *
 * In `name`, `email` and `avatarUrl`, `null` means that the person has none, and replaces the
 * stored value. `undefined` means that the provider did not return it, because of a missing
 * permission or an outage. The stored value is kept.
 */
export interface ReadProfile {
  /**
   * The provider's permanent id for the person: 1 to 255 printable ASCII characters, no spaces.
   * Never a name or an e-mail address, which can move to another person. Without it, the sign-in
   * fails with `provider_bad_answer`.
   */
  readonly subject: string | null | undefined
  readonly name?: string | null | undefined
  readonly email?: string | null | undefined
  /** Whether the provider has verified `email`. Default `false`. */
  readonly emailVerified?: boolean | undefined
  /** An `https:` URL. Latchkey never fetches it. */
  readonly avatarUrl?: string | null | undefined
  /** `false` if the provider has closed or suspended the account. Default `true`. */
  readonly active?: boolean | undefined
  /**
   * Other names and ids of the person, stored with the identity. A missing attribute keeps its
   * stored value.
   */
  readonly attributes?: Readonly<Record<string, string | null | undefined>> | undefined
  /**
   * Sentences for the server's log: what the provider returned unexpectedly, and the fix. They must
   * not contain data about the person.
   */
  readonly warnings?: readonly string[] | undefined
}

/** A profile after all checks, as `sign-in` listeners receive it. */
export interface Profile {
  /** The provider's permanent id for the person. */
  readonly subject: string
  readonly name?: string | null | undefined
  readonly email?: string | null | undefined
  /** Whether the provider vouches for `email`. Never `true` without an `email`. */
  readonly emailVerified: boolean
  /** An `https:` URL. Latchkey never fetches it. */
  readonly avatarUrl?: string | null | undefined
  /** `false` if the provider has closed or suspended the account. Such a person cannot sign in. */
  readonly active: boolean
  /** Other names and ids of the person, stored with the identity. */
  readonly attributes: Readonly<Record<string, string>>
  /**
   * The provider's own answers, by step, and the claims of an ID token as `claims`. Passed to
   * `sign-in` listeners, never stored.
   */
  readonly raw: Readonly<Record<string, unknown>>
  readonly warnings: readonly string[]
}

/** The codes with which a provider can refuse a person. */
export type RefusalCode = Extract<
  ErrorCode,
  | 'access_denied'
  | 'account_inactive'
  | 'provider_bad_answer'
  | 'provider_refused'
  | 'provider_unavailable'
>

/** How the token request proves which application sends it. */
export type ClientAuth = 'basic' | 'post' | 'none' | 'secret_jwt'

/** An OpenID Connect issuer, whose endpoints and keys are discovered at the first sign-in. */
export interface OpenId {
  /** The `issuer` in the discovery document, verbatim. It is compared character by character. */
  readonly issuer: string
  /**
   * The URL of the discovery document. Default: `issuer` followed by
   * `/.well-known/openid-configuration`.
   */
  readonly metadata?: string | undefined
  /**
   * Whether an ID token may name this issuer, for a provider whose tokens name another one than its
   * discovery document. Default: only `issuer`.
   */
  readonly isIssuer?: ((issuer: string, claims: Row) => boolean) | undefined
  /**
   * The claims that the profile needs. If the ID token lacks one, UserInfo is requested. Default:
   * UserInfo is never requested.
   */
  readonly wanted?: readonly string[] | undefined
}

type Endpoints =
  | {
      /** Where people agree. A URL without credentials, query or fragment, like `token`. */
      readonly authorize: string
      /** Where a code is exchanged for a token. Production requires https. */
      readonly token: string
      /** What the provider sends as `iss` in its callback (RFC 9207), if it does. */
      readonly issuer?: string | undefined
      readonly openid?: undefined
      readonly nonce?: undefined
    }
  | {
      /** Set for OpenID Connect, in place of `authorize`, `token` and `issuer`. */
      readonly openid: OpenId
      /** Whether the ID token must repeat a nonce. Default `true`. */
      readonly nonce?: boolean | undefined
      readonly authorize?: undefined
      readonly token?: undefined
      readonly issuer?: undefined
    }

/** A client secret, or a function that creates one for each token request. */
export type ClientSecret = string | (() => string | Promise<string>)

type Client =
  | {
      /** Default `basic`. */
      readonly clientAuth?: 'basic' | 'post' | 'secret_jwt' | undefined
      readonly clientSecret: ClientSecret | undefined
      /** Whether to send PKCE (RFC 7636). Default `true`. */
      readonly pkce?: boolean | undefined
    }
  | {
      /** A public client, which has no secret. */
      readonly clientAuth: 'none'
      readonly clientSecret?: undefined
      /** A public client must use PKCE (RFC 9700 section 2.1.1). */
      readonly pkce?: true | undefined
    }

type ResponseMode =
  | { readonly responseMode?: 'query' | undefined; readonly posted?: undefined }
  | {
      /** The provider posts its answer as a form. */
      readonly responseMode: 'form_post'
      /** Names of form fields to pass on to `profile()`. Together they may have 1,024 characters. */
      readonly posted?: readonly string[] | undefined
    }

type Emulated = string | ((url: string) => Provider)

/** A data sheet: everything that Latchkey needs to know about one company. */
export type ProviderSheet<S = Steps> = Endpoints &
  Client &
  ResponseMode & {
    /**
     * The first segment of the provider's paths, and part of the key of its identities. Do not
     * change it once people have signed in.
     */
    readonly id: string
    /** The name on the sign-in button. */
    readonly name: string
    /**
     * Whether people who have not signed in before become users. `false` lets only existing users
     * sign in with this provider. Default `true`, unless the plugin's option `signUp` is `closed`.
     */
    readonly signUp?: boolean | undefined
    /** The logo on the sign-in button. Default: a neutral one. */
    readonly mark?: Mark | undefined
    readonly clientId: string | undefined
    /** Where people find the credentials, as a sentence for the error about a missing one. */
    readonly setup?: string | undefined
    /** The scopes of every sign-in. */
    readonly scope: readonly string[]
    /** The scopes that a link may add, as in `/auth/acme/start?scope=repo`. Default: none. */
    readonly optionalScopes?: readonly string[] | undefined
    /** Constant parameters of the authorization request, such as `{ access_type: 'offline' }`. */
    readonly authorizeParameters?: Readonly<Record<string, string>> | undefined
    /**
     * Whether `emailVerified` of the profile counts. `false` for a provider whose people can enter
     * any address.
     */
    readonly vouchesForEmail: boolean
    /** The requests that read a profile. Default: none. */
    readonly steps?: { readonly [Name in keyof S]: Exact<S[Name]> } | undefined
    /** Whether a text has the form of the provider's ids. Default: any printable ASCII. */
    readonly isSubject?: ((subject: string) => boolean) | undefined
    /** Turns the answers into a profile. It must be a pure function. */
    readonly profile: (answers: Answers<S>) => ReadProfile
    /**
     * How development emulates the provider if the client ID and secret are missing: the name under
     * which `@latchkey/provider-emulator` knows the company, or a function that returns the same
     * provider at the Bitbucket emulator with this URL.
     */
    readonly emulated?: Emulated | undefined
  }

/**
 * One company that people can sign in with, as `bitbucket()` or `defineProvider()` returns it: a
 * checked data sheet, complete with its defaults.
 */
export interface Provider {
  readonly id: string
  readonly name: string
  readonly mark: Mark
  readonly signUp: boolean
  readonly clientId: string | undefined
  readonly clientSecret: ClientSecret | undefined
  readonly clientAuth: ClientAuth
  readonly setup: string | undefined
  readonly authorize: string | undefined
  readonly token: string | undefined
  readonly issuer: string | undefined
  readonly openid: OpenId | undefined
  readonly nonce: boolean
  readonly pkce: boolean
  readonly responseMode: 'query' | 'form_post'
  readonly posted: readonly string[]
  readonly scope: readonly string[]
  readonly optionalScopes: readonly string[]
  readonly authorizeParameters: Readonly<Record<string, string>>
  readonly vouchesForEmail: boolean
  readonly steps: Steps
  isSubject(subject: string): boolean
  profile(answers: Answers): ReadProfile
  readonly emulated: Emulated | undefined
}

/** Whether parsed JSON is an object and not an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether a value is a function, and not an async one, whose promise would count as `true`. */
export function isSynchronous(value: unknown): boolean {
  return typeof value === 'function' && !(value instanceof AsyncFunction)
}

const AsyncFunction = (async () => {}).constructor as FunctionConstructor
