import type { FastifyInstance, FastifyRequest } from 'fastify'
import { LatchkeyError } from '../http/errors.ts'
import type { Auth } from '../sessions/auth.ts'
import type { Settings } from '../settings.ts'
import type { Guards } from './guard.ts'
import type { RequestAuth } from './request-auth.ts'

/**
 * Tells TypeScript the names in the option `decorators`. Empty by default. An application that renames the
 * decorators declares its names here, so that `request.person` has a type and `request.auth` does not.
 *
 * @example
 * declare module '@latchkey/fastify' {
 *   interface RenamedDecorators {
 *     auth: 'person'
 *     getAuth: 'getPerson'
 *   }
 * }
 */
// biome-ignore lint/suspicious/noEmptyInterface: applications declare the members
export interface RenamedDecorators {}

interface UsualDecorators {
  /**
   * The signed-in user, their session, and a `signal` that is aborted when the session ends. Set on routes
   * with `app.latchkey.guard()`.
   *
   * @throws LatchkeyError `LATCHKEY_UNGUARDED` on a route without a guard
   *
   * @example
   * app.get('/api/me', { onRequest: app.latchkey.guard() }, async ({ auth }) => auth.user)
   */
  readonly auth: RequestAuth
  /**
   * Returns the signed-in user and their session, or `null` when signed out. Works on every route.
   *
   * Also returns `null` if a browser sent the request from a page on another origin and the request may
   * change something or opens a WebSocket. A later call, for example in the handler of a WebSocket, returns
   * `null` once the session has ended.
   *
   * @throws an error whose `statusCode` is 503 and whose `code` is `LATCHKEY_UNAVAILABLE`, as a
   *   rejection, if the store does not respond
   *
   * @example
   * app.get('/', async (request) => {
   *   const auth = await request.getAuth()
   *   return auth === null ? 'Hello' : `Hello, ${auth.user.name}`
   * })
   */
  getAuth(): Promise<Auth | null>
}

type NameOf<Name extends string> = Name extends keyof RenamedDecorators
  ? RenamedDecorators[Name] & string
  : Name

/** The request decorators `auth` and `getAuth()`, under the names in `RenamedDecorators`. */
export type RequestDecorators = keyof RenamedDecorators extends never
  ? UsualDecorators
  : { [Name in keyof UsualDecorators as NameOf<Name>]: UsualDecorators[Name] }

/**
 * Checks that the names of Latchkey's decorators are not taken.
 * @throws LatchkeyError `LATCHKEY_DECORATOR_TAKEN`
 */
export function refuseTakenNames(app: FastifyInstance, { decorators }: Settings): void {
  if (app.hasDecorator('latchkey')) {
    throw new LatchkeyError(
      'LATCHKEY_DECORATOR_TAKEN',
      'The application or another plugin already decorates the server with `latchkey`. Rename that decorator.',
    )
  }
  for (const [option, name] of Object.entries(decorators)) {
    if (!app.hasRequestDecorator(name)) continue
    throw new LatchkeyError(
      'LATCHKEY_DECORATOR_TAKEN',
      `The application or another plugin already decorates requests with \`${name}\`. Rename Latchkey's decorator with the option \`decorators: { ${option}: '…' }\`.`,
    )
  }
}

/** Adds `request.auth` and `request.getAuth()`, under the names in the option `decorators`. */
export function decorateRequest(
  app: FastifyInstance,
  guards: Guards,
  { decorators: { auth, getAuth } }: Settings,
): void {
  app.decorateRequest(auth, {
    getter() {
      return guards.authOf(this)
    },
  })
  app.decorateRequest(getAuth, function getAuth(this: FastifyRequest) {
    return guards.getAuth(this)
  })
}
