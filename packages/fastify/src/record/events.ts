import type { ErrorCode, Session, SignOutScope, User } from '@latchkey/contract'
import type { FastifyBaseLogger } from 'fastify'
import { LatchkeyError } from '../http/errors.ts'
import type { Profile } from '../providers/provider.ts'
import type { EndReason } from '../store/store.ts'

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
   * A session ended, for whatever reason. Emitted once on each server that ended it or learned of it. What
   * was ended through Latchkey, every server learns of. A session that expired, or was deleted by hand, is
   * noticed by the servers that had it in use, or by a request that still comes with its cookie.
   */
  'session-ended': { userId: string; sessionId: string; reason: EndReason }
}

const EVENTS: Readonly<Record<keyof LatchkeyEvents, true>> = {
  'sign-in': true,
  'sign-in-failed': true,
  'sign-out': true,
  'session-revoked': true,
  'session-ended': true,
}

export type Listener<E extends keyof LatchkeyEvents> = (
  event: LatchkeyEvents[E],
) => void | Promise<void>

export interface Events {
  /**
   * @returns an unsubscribe function
   * @throws LatchkeyError `LATCHKEY_ARGUMENT_INVALID` for an unknown event
   */
  on<E extends keyof LatchkeyEvents>(event: E, listener: Listener<E>): () => void
  /** Tells every listener, waits for none, and logs those that fail: a sign-in is not theirs to break. */
  emit<E extends keyof LatchkeyEvents>(event: E, detail: LatchkeyEvents[E]): void
}

export function createEvents(log: FastifyBaseLogger): Events {
  const listeners = new Map<keyof LatchkeyEvents, Set<Listener<never>>>()

  return {
    on(event, listener) {
      if (!Object.hasOwn(EVENTS, event) || typeof listener !== 'function') {
        throw new LatchkeyError(
          'LATCHKEY_ARGUMENT_INVALID',
          `app.latchkey.on() takes one of ${Object.keys(EVENTS).join(', ')}, and a function.`,
        )
      }
      const set = listeners.get(event) ?? new Set()
      listeners.set(event, set.add(listener as Listener<never>))
      return () => set.delete(listener as Listener<never>)
    },

    emit(event, detail) {
      for (const listener of listeners.get(event) ?? []) {
        tell(listener as Listener<typeof event>, detail).catch((error: unknown) => {
          log.error({ err: error, event }, 'a listener of Latchkey failed')
        })
      }
    },
  }
}

/** Async, so that a listener that throws at once is caught like one that rejects later. */
async function tell<T>(listener: (event: T) => void | Promise<void>, event: T): Promise<void> {
  await listener(event)
}
