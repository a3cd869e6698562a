import type { FastifyInstance, RouteOptions } from 'fastify'
import { LatchkeyError } from '../http/errors.ts'

/** All guards, so that one used in the wrong place is recognized. */
const guardHooks = new WeakSet<object>()

/** The `app.latchkey.guard` of every server, so that one passed without being called is recognized. */
const guardMakers = new WeakSet<object>()

/** Makes `app.latchkey.guard` recognizable to `refuseMisplacedGuards`. */
export function markAsGuardMaker<T extends object>(guard: T): T {
  guardMakers.add(guard)
  return guard
}

/** Makes a guard's hook recognizable to `refuseMisplacedGuards`. */
export function markAsGuard(hook: object): void {
  guardHooks.add(hook)
}

/** The hooks in which a guard cannot send a response, or that run after Fastify has started to read the body. */
const WRONG_PLACES = [
  'preParsing',
  'preSerialization',
  'onSend',
  'onResponse',
  'onError',
  'onTimeout',
  'onRequestAbort',
  'handler',
] as const satisfies (keyof RouteOptions)[]

/** The hooks in which a guard works. */
const RIGHT_PLACES = [
  'onRequest',
  'preValidation',
  'preHandler',
] as const satisfies (keyof RouteOptions)[]

/**
 * Rejects a new route that has a guard in a place where it cannot work, or that uses `app.latchkey.guard`
 * without calling it.
 */
export function refuseMisplacedGuards(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    for (const place of [...RIGHT_PLACES, ...WRONG_PLACES]) {
      const hooks: unknown[] = [route[place]].flat()
      const isMaker = (hook: unknown): boolean =>
        typeof hook === 'function' && guardMakers.has(hook)
      if (hooks.some(isMaker)) throw notCalled(`\`${place}\` of ${route.method} ${route.url}`)
    }
    for (const place of WRONG_PLACES) {
      const hooks: unknown[] = [route[place]].flat()
      const isGuard = (hook: unknown): boolean => typeof hook === 'function' && guardHooks.has(hook)
      if (hooks.some(isGuard)) throw misplaced(`\`${place}\` of ${route.method} ${route.url}`)
    }
  })
}

/**
 * Rejects `app.latchkey.guard` if it is added as a hook of the application without being called. Replaces
 * `addHook`, because Fastify has no hook that runs when another hook is added.
 */
export function refuseUncalledGuards(app: FastifyInstance): void {
  const addHook = app.addHook as (...given: unknown[]) => FastifyInstance
  app.addHook = function addCalledGuard(this: FastifyInstance, ...given: unknown[]) {
    const [place, hook] = given
    if (typeof hook === 'function' && guardMakers.has(hook)) throw notCalled(`\`${place}\``)
    return addHook.apply(this, given)
  }
}

/** Returns the error for an `app.latchkey.guard` that was not called. */
export function notCalled(where = 'a hook'): LatchkeyError {
  return new LatchkeyError(
    'LATCHKEY_UNGUARDED',
    `app.latchkey.guard was used as ${where} without being called. Call it: { onRequest: app.latchkey.guard() }.`,
  )
}

/** Returns the error for a guard in a place where it cannot work. */
export function misplaced(where: string): LatchkeyError {
  return new LatchkeyError(
    'LATCHKEY_GUARD_MISPLACED',
    `A guard was used as ${where}, where it cannot send a response. Use it as onRequest, preValidation or preHandler.`,
  )
}
