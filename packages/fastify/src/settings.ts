import type { ErrorCode, Session, SignOutScope, User } from '@latchkey/contract'
import type { AdmissionPolicy } from './accounts/admission.ts'
import type { OnAdmission } from './accounts/on-admission.ts'
import type { OnUserCreated } from './accounts/on-user-created.ts'
import type { Site } from './http/site.ts'
import type { Profile, Provider } from './providers/provider.ts'
import type { EventListener, Events } from './record/events.ts'
import type { EndReason, Store } from './store/store.ts'

// The validated options, which every room uses. Rooms do not depend on `options.ts`.

/** The options, validated and complete. No code after `parseOptions` handles a missing option. */
export interface Settings {
  readonly development: boolean
  readonly site: Site
  readonly secrets: readonly [string, ...string[]]
  readonly providers: readonly Provider[]
  readonly store: Store
  readonly prefix: string
  /** The path of the routes in the browser. A proxy may strip part of it. */
  readonly basePath: string
  readonly signInPath: string
  /** Who may sign in. */
  readonly admission: AdmissionPolicy
  readonly onAdmission: OnAdmission | undefined
  readonly onUserCreated: OnUserCreated | undefined
  readonly session: {
    readonly lifetime: number
    readonly idleTimeout: number
    readonly maxPerUser: number
  }
  readonly hostsSignInPage: boolean
  /** The names of the request decorators. */
  readonly decorators: { readonly auth: string; readonly getAuth: string }
  readonly providerTimeout: number
  readonly providerConcurrency: number
  readonly clock: () => number
  /** Descriptions of the options that were filled in for development, for the log. */
  readonly filledIn: readonly string[]
  /** Whether `origin` was omitted, so that its port must follow the port that the server listens on. */
  readonly followsPort: boolean
  /**
   * Whether other machines must not reach this server. For example, with an emulator, anyone can sign in as
   * any user.
   */
  readonly loopbackOnly: boolean
  /** Stops the emulator, if one was started. */
  close(): Promise<void>
  /** Returns the URL that a provider redirects to. It must be registered with the provider. */
  callbackUrl(providerId: string): string
}

/** The events of `app.latchkey.on()`, with the data that listeners receive. */
export interface LatchkeyEvents {
  /** A user signed in. `profile` is not stored: copy the fields that you need. */
  'sign-in': { user: User; session: Session; profile: Profile; newUser: boolean }
  /** A sign-in failed. */
  'sign-in-failed': { provider: string; code: ErrorCode }
  /** A user signed out, in one browser or in several. */
  'sign-out': { userId: string; sessionId: string; scope: SignOutScope }
  /** A user revoked one of their own sessions. Not emitted if the application revokes a session. */
  'session-revoked': { userId: string; sessionId: string }
  /**
   * A session ended, for any reason. Emitted once on each server that causes or detects the end. All servers
   * detect an end that Latchkey caused, unless it was caused by `revokeEverything()`. In that case, or if a
   * session expires or its row is deleted by other means, only servers on which the session is active, or
   * that receive its cookie again, emit the event.
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

/**
 * A listener for one event. Latchkey does not await it. If it throws or rejects, the error is logged.
 *
 * @example
 * const greet: Listener<'sign-in'> = ({ user }) => console.log(`Welcome, ${user.name}`)
 * app.latchkey.on('sign-in', greet)
 */
export type Listener<E extends keyof LatchkeyEvents> = EventListener<LatchkeyEvents[E]>

/** The event emitter of one application. */
export type LatchkeyEventSource = Events<LatchkeyEvents>
