import type { FastifyInstance, RouteOptions } from 'fastify'
import { LatchkeyError } from '../http/errors.ts'

/** Every guard that was made, so that one in a wrong place is recognized. */
const guardHooks = new WeakSet<object>()

/** Makes a guard's hook recognizable to `refuseMisplacedGuards`. */
export function markAsGuard(hook: object): void {
  guardHooks.add(hook)
}

/** The hooks in which a guard cannot send a response any more, or the body has been read already. */
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

/** Refuses a route that has a guard where it cannot work, when the route is added. */
export function refuseMisplacedGuards(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    for (const place of WRONG_PLACES) {
      const hooks: unknown[] = [route[place]].flat()
      const isGuard = (hook: unknown): boolean => typeof hook === 'function' && guardHooks.has(hook)
      if (hooks.some(isGuard)) throw misplaced(`\`${place}\` of ${route.method} ${route.url}`)
    }
  })
}

/** Returns the error for a guard in a place where it cannot work. */
export function misplaced(where: string): LatchkeyError {
  return new LatchkeyError(
    'LATCHKEY_GUARD_MISPLACED',
    `A guard was used as ${where}, where it cannot send a response. Use it as onRequest, preValidation or preHandler.`,
  )
}
