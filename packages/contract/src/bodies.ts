import type { ErrorCode } from './errors.ts'

/** A user account in the application. All times are in milliseconds since the Unix epoch. */
export interface User {
  /** Latchkey's own id for the user, which never changes. It is not a provider's id. */
  readonly id: string
  /** Display name that the provider returned most recently. */
  readonly name: string | null
  /** E-mail address, or `null`. Never use it as a key: two users can have the same address. */
  readonly email: string | null
  /** Whether the provider has verified that the address belongs to the user. `false` if there is no address. */
  readonly emailVerified: boolean
  /**
   * `https:` URL of a picture on a third-party host, or `null`. Loading it lets that host see who visits your site.
   */
  readonly avatarUrl: string | null
  /** Time of the first sign-in, in milliseconds since the Unix epoch. */
  readonly createdAt: number
  /** What the user may do, in the application's own words, such as `admin`. The page can show it; only the server enforces it. */
  readonly roles: readonly string[]
}

/** One browser that is signed in as a user. All times are in milliseconds since the Unix epoch. */
export interface Session {
  /** Identifies the session, but does not grant access to it. */
  readonly id: string
  /** Id of the provider that the user signed in with, or `null` if the application created the session. */
  readonly provider: string | null
  readonly createdAt: number
  /** When the user last authenticated with the provider. */
  readonly authenticatedAt: number
  /** Latest time at which the session expires. An idle session expires earlier. */
  readonly expiresAt: number
}

/** A session, with details that help its user recognise it. */
export interface ListedSession extends Session {
  /** A human-readable device name, such as `Firefox on Linux`, or `null` if it is unknown. */
  readonly device: string | null
  /** When the session was last used, accurate to about a minute, in milliseconds since the Unix epoch. */
  readonly lastUsedAt: number
}

/** Response of `GET /sessions`: all sessions of the user, newest first. */
export interface SessionsBody {
  readonly sessions: readonly (ListedSession & {
    /** Whether this is the session of the current request. */
    readonly current: boolean
  })[]
}

/** Response of `GET /session`: the user of this browser. Both fields are `null` when signed out. */
export type SessionBody =
  | { readonly user: User; readonly session: Session }
  | { readonly user: null; readonly session: null }

/** One `<path>` of a mark. */
export interface MarkPath {
  /** SVG path data. */
  readonly d: string
  /** CSS colour. Default: the colour of the surrounding text. */
  readonly fill?: string
}

/** A provider's logo as data. Browsers can draw it without inserting third-party markup. */
export interface Mark {
  /** SVG `viewBox`, such as `0 0 24 24`. */
  readonly viewBox: string
  readonly paths: readonly MarkPath[]
}

/** A provider, with everything that a sign-in button needs. */
export interface Provider {
  /** The id that is used in paths, such as `bitbucket`. */
  readonly id: string
  /** The display name, such as `Bitbucket`. */
  readonly name: string
  readonly mark: Mark
  /** Whether users who have an account can sign in with this provider. */
  readonly signIn: boolean
  /** Whether signing in with this provider for the first time creates an account. */
  readonly signUp: boolean
  /** Whether signed-in users can connect this provider to their account. Not available yet. */
  readonly link: boolean
}

/**
 * A part of the account page: edit the `profile`, list and revoke `sessions`, manage `identities`, `export` all
 * stored data, `delete` the account. Servers currently offer `profile` and `sessions`; the other parts are not available yet.
 */
export type AccountPart = 'profile' | 'identities' | 'sessions' | 'export' | 'delete'

/** Response of `GET /providers`: what this server offers. */
export interface ProvidersBody {
  readonly providers: readonly Provider[]
  /** Id of the provider that this browser last signed in with, or `null` if it is unknown or no longer offered. */
  readonly lastUsed: string | null
  /** The account sections that this server offers. The server has no routes for the others. */
  readonly account: readonly AccountPart[]
  /** The application's own explanation, if this browser's last sign-in failed with `refused`. */
  readonly refusal?: string | undefined
}

/** A provider account that a user can sign in with. Not available yet: no server returns identities. */
export interface Identity {
  readonly id: string
  /** The provider's id. */
  readonly provider: string
  /** The user's name on the provider's side, such as a nickname, or `null`. */
  readonly name: string | null
  readonly email: string | null
  /** When the identity was connected, in milliseconds since the Unix epoch. */
  readonly createdAt: number
  /** When the user last signed in with this identity, in milliseconds since the Unix epoch. */
  readonly lastUsedAt: number
}

/** Response of `GET /identities`: all identities of the user, oldest first. Not available yet. */
export interface IdentitiesBody {
  readonly identities: readonly Identity[]
}

/** Response of `POST /:provider/link` and `POST /:provider/reauth`: the URL to navigate to. Not available yet. */
export interface UrlBody {
  readonly url: string
}

/** Body of `PATCH /user`. Omitted fields stay unchanged. The response is the updated `User`. */
export interface UserPatch {
  /** 1 to 200 characters, on one line. Later sign-ins keep it. */
  readonly name?: string
}

/**
 * The outcome of a popup sign-in. The popup's last page sends it to the page that opened the popup, over the
 * `BroadcastChannel` named `channelName`. Only pages on this origin receive it, and it contains no secret.
 */
export interface PopupMessage {
  readonly type: 'popup'
  /** The unguessable name that the opener passed to the start route as `popup`. */
  readonly popup: string
  /** Code of the failed sign-in, or `null` if it succeeded. */
  readonly error: ErrorCode | null
  /** Where the opener can continue: a path on this origin, validated by the server. */
  readonly returnTo: string
}

/** Which of the user's sessions a sign-out ends: the current one, all others, or all of them. */
export type SignOutScope = 'local' | 'others' | 'global'

/** Body of `POST /sign-out`, as JSON or as a form. All fields are optional. */
export interface SignOutBody {
  /** Default `local`. */
  readonly scope?: SignOutScope
  /** Form posts only: the path of the application to redirect the browser to afterwards. Default `/`. */
  readonly return_to?: string
}

/** The body of every error response. */
export interface ErrorBody {
  readonly error: {
    /** For programs: one of the codes in `errorSentences`, which is a closed list. */
    readonly code: ErrorCode
    /** For people: one or two sentences. Never contains text from a provider. */
    readonly message: string
  }
}
