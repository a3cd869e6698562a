import type { ErrorCode } from './errors.ts'

/** A person with an account in the application. All times are milliseconds since the Unix epoch. */
export interface User {
  /** Ours, stable for the life of the account, never a provider's id. */
  readonly id: string
  /** What to call the person, as the provider last gave it. */
  readonly name: string | null
  /** An address to write to, or `null`. Never a key: two users may have the same one. */
  readonly email: string | null
  /** Whether the provider says that the address is the person's own. `false` when there is none. */
  readonly emailVerified: boolean
  /** An `https:` picture on somebody else's host, or `null`. Loading it tells that host who visits. */
  readonly avatarUrl: string | null
  /** When the person first signed in, in milliseconds since the Unix epoch. */
  readonly createdAt: number
}

/** One browser signed in as a user. All times are milliseconds since the Unix epoch. */
export interface Session {
  /** Names the session; it does not open it. */
  readonly id: string
  /** Id of the provider that the person came through; `null` if the application made the session. */
  readonly provider: string | null
  readonly createdAt: number
  /** When the person last proved who they are at the provider. */
  readonly authenticatedAt: number
  /** When the session ends whatever happens. */
  readonly expiresAt: number
}

/** A session with what helps a person to recognise it. */
export interface ListedSession extends Session {
  /** What the person would call the device, such as `Firefox on Linux`; `null` if it does not say. */
  readonly device: string | null
  /** When it was last used, give or take a minute, in milliseconds since the Unix epoch. */
  readonly lastUsedAt: number
}

/** `GET /sessions`: everywhere that the person is signed in, the newest first. */
export interface SessionsBody {
  readonly sessions: readonly (ListedSession & {
    /** Whether it is this browser's. */
    readonly current: boolean
  })[]
}

/** `GET /session`: who this browser is, or nobody. */
export type SessionBody =
  | { readonly user: User; readonly session: Session }
  | { readonly user: null; readonly session: null }

/** One `<path>` of a mark. */
export interface MarkPath {
  /** SVG path data. */
  readonly d: string
  /** A CSS colour; absent means the colour of the text. */
  readonly fill?: string
}

/** A company's mark as data, so that a browser draws it without trusting markup from anywhere. */
export interface Mark {
  /** SVG `viewBox`, for example `0 0 24 24`. */
  readonly viewBox: string
  readonly paths: readonly MarkPath[]
}

/** What a button needs to know of a provider. */
export interface Provider {
  /** As in the paths: `bitbucket`. */
  readonly id: string
  /** As a person reads it: `Bitbucket`. */
  readonly name: string
  readonly mark: Mark
  /** Whether people who have an account may sign in with it. */
  readonly signIn: boolean
  /** Whether people without an account get one by signing in with it. */
  readonly signUp: boolean
  /** Whether a signed-in person may add it to their account. */
  readonly link: boolean
}

/**
 * What a server may let people do with their own account: change their `profile`, see and end their
 * `sessions`, see, add and remove `identities`, `export` what is held about them, `delete` it all.
 */
export type AccountPart = 'profile' | 'identities' | 'sessions' | 'export' | 'delete'

/** `GET /providers`: what this server offers. */
export interface ProvidersBody {
  readonly providers: readonly Provider[]
  /** Id of the provider that this browser last signed in with, if it is still offered. */
  readonly lastUsed: string | null
  /** The parts of an account that people see to themselves here. What is not in it has no route. */
  readonly account: readonly AccountPart[]
}

/** An account at a provider that a person can sign in with. */
export interface Identity {
  readonly id: string
  /** The provider's id. */
  readonly provider: string
  /** What the provider calls the person, such as a nickname, or `null`. */
  readonly name: string | null
  readonly email: string | null
  /** When it was added, in milliseconds since the Unix epoch. */
  readonly createdAt: number
  /** When somebody last signed in with it, in milliseconds since the Unix epoch. */
  readonly lastUsedAt: number
}

/** `GET /identities`: the person's own, the oldest first. */
export interface IdentitiesBody {
  readonly identities: readonly Identity[]
}

/** `POST /:provider/link` and `POST /:provider/reauth`: where the browser is to go. */
export interface UrlBody {
  readonly url: string
}

/** `PATCH /user`. What is left out stays. Answered with the `User` as it is now. */
export interface UserPatch {
  readonly name?: string
}

/**
 * What the last page of a sign-in in a popup tells the page that opened it, over the `BroadcastChannel`
 * named `channelName`. It reaches this origin alone, and holds nothing that would sign anybody in.
 */
export interface PopupMessage {
  readonly type: 'popup'
  /** What the opener called this popup in the start route's `popup`, which nobody else knows. */
  readonly popup: string
  /** Code of a sign-in that failed, else `null`. */
  readonly error: ErrorCode | null
  /** Where the opener may go on: a path of this origin that the server has made safe. */
  readonly returnTo: string
}

/** Which of the person's sessions a sign-out ends: this one, all but this one, or all. */
export type SignOutScope = 'local' | 'others' | 'global'

/** `POST /sign-out`, as JSON or as a form. Every field may be left out. */
export interface SignOutBody {
  /** Default `local`. */
  readonly scope?: SignOutScope
  /** Form posts only: where the browser goes next, a path of the application. Default `/`. */
  readonly return_to?: string
}

/** The body of every answer that is not a success. */
export interface ErrorBody {
  readonly error: {
    /** For programs: one of a closed list. */
    readonly code: ErrorCode
    /** For people: one or two sentences without a provider's words in them. */
    readonly message: string
  }
}
