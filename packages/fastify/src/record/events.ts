import type { FastifyBaseLogger } from 'fastify'
import { withReference } from '../http/codes.ts'
import { LatchkeyError } from '../http/errors.ts'

export type EventListener<Detail> = (event: Detail) => void | Promise<void>

/** Maps the name of each event to the argument of its listeners. */
export interface Events<Details> {
  /**
   * @returns an unsubscribe function
   * @throws LatchkeyError `LATCHKEY_ARGUMENT_INVALID` for an unknown event
   */
  on<Name extends keyof Details>(event: Name, listener: EventListener<Details[Name]>): () => void
  /**
   * Calls every listener without awaiting it. If a listener fails, its error is only logged, because a
   * listener must not break a sign-in.
   */
  emit<Name extends keyof Details>(event: Name, detail: Details[Name]): void
}

export function createEvents<Details>(
  log: FastifyBaseLogger,
  names: Readonly<Record<keyof Details, true>>,
): Events<Details> {
  const listeners = new Map<keyof Details, Set<EventListener<never>>>()

  return {
    on(event, listener) {
      if (!Object.hasOwn(names, event) || typeof listener !== 'function') {
        throw new LatchkeyError(
          'LATCHKEY_ARGUMENT_INVALID',
          `app.latchkey.on() requires an event (${Object.keys(names).join(', ')}) and a function.`,
        )
      }
      const set = listeners.get(event) ?? new Set()
      listeners.set(event, set.add(listener as EventListener<never>))
      return () => set.delete(listener as EventListener<never>)
    },

    emit(event, detail) {
      for (const listener of listeners.get(event) ?? []) {
        call(listener as EventListener<typeof detail>, detail).catch((error: unknown) => {
          log.error(
            { err: error, event },
            withReference('a Latchkey listener failed', 'listener_failed'),
          )
        })
      }
    },
  }
}

/** Async, so that a synchronous throw is caught like a rejection. */
async function call<T>(listener: EventListener<T>, event: T): Promise<void> {
  await listener(event)
}
