import type { ErrorCode, Session, SignOutScope, User } from '@latchkey/contract'
import type { Site } from './http/site.ts'
import type { Profile, Provider } from './providers/provider.ts'
import type { EventListener, Events } from './record/events.ts'
import type { EndReason, Store } from './store/store.ts'

// What every room is given, so that no room has to know where the options are checked.

/** The options, checked and complete. Nothing later asks whether one was given. */
export interface Settings {
  readonly development: boolean
  readonly site: Site
  readonly secrets: readonly [string, ...string[]]
  readonly providers: readonly Provider[]
  readonly store: Store
  readonly prefix: string
  /** The whole path in front of the routes, as a browser sees it. A proxy may strip a part of it. */
  readonly basePath: string
  readonly signInPath: string
  readonly session: {
    readonly lifetime: number
    readonly idleTimeout: number
    readonly maxPerUser: number
  }
  readonly hostsSignInPage: boolean
  /** Names of the request decorators. */
  readonly decorators: { readonly auth: string; readonly getAuth: string }
  readonly providerTimeout: number
  readonly providerConcurrency: number
  readonly clock: () => number
  /** What development has filled in, in words. */
  readonly filledIn: readonly string[]
  /** `origin` was not given, and is to carry the port that the server gets. */
  readonly followsPort: boolean
  /** Anybody who reaches this server could sign in as anybody, or it was never meant for others. */
  readonly loopbackOnly: boolean
  /** Ends what was started for development. */
  close(): Promise<void>
  /** Where a provider sends the browser back to: what to register there. */
  callbackUrl(providerId: string): string
}

/** What an application can listen for with `app.latchkey.on()`. */
export interface LatchkeyEvents {
  /** A person signed in. `profile` is transient: keep of it what you need. */
  'sign-in': { user: User; session: Session; profile: Profile; newUser: boolean }
  /** An attempt to sign in ended without a session. */
  'sign-in-failed': { provider: string; code: ErrorCode }
  /** A person signed out, in this browser or in several. */
  'sign-out': { userId: string; sessionId: string; scope: SignOutScope }
  /** A person ended one of their sessions from another. Not what the application ends itself. */
  'session-revoked': { userId: string; sessionId: string }
  /**
   * A session ended, for whatever reason. Emitted once on each server that caused or detected the end. Every
   * server detects what was ended through Latchkey. After `revokeEverything()`, for a session that expired or
   * was deleted by hand, it is emitted by the servers that had the session in use, or get its cookie again.
   */
  'session-ended': { userId: string; sessionId: string; reason: EndReason }
}

export const eventNames: Readonly<Record<keyof LatchkeyEvents, true>> = {
  'sign-in': true,
  'sign-in-failed': true,
  'sign-out': true,
  'session-revoked': true,
  'session-ended': true,
}

export type Listener<E extends keyof LatchkeyEvents> = EventListener<LatchkeyEvents[E]>

/** The events of one application. */
export type LatchkeyEventSource = Events<LatchkeyEvents>
