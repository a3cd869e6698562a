import type { FastifyInstance, FastifyRequest } from 'fastify'
import { LatchkeyError } from '../http/errors.ts'
import type { Auth } from '../sessions/auth.ts'
import type { Settings } from '../settings.ts'
import type { Guards } from './guard.ts'
import type { RequestAuth } from './request-auth.ts'

/**
 * Declares the names of the option `decorators`, so that TypeScript has `request.person` instead of
 * `request.auth`. Empty by default.
 *
 * @example
 * declare module '@latchkey/fastify' {
 *   interface RenamedDecorators {
 *     auth: 'person'
 *     getAuth: 'getPerson'
 *   }
 * }
 */
// biome-ignore lint/suspicious/noEmptyInterface: an application declares its members
export interface RenamedDecorators {}

interface UsualDecorators {
  /**
   * Who is signed in, on a route with `app.latchkey.guard()`, and a `signal` for the end of their
   * session.
   * @throws LatchkeyError `LATCHKEY_UNGUARDED` on any other
   */
  readonly auth: RequestAuth
  /**
   * Returns who is signed in, or `null`, on any route. It returns `null` for a request that may change
   * something, or opens a WebSocket, and that a browser sends from a page of another origin. Called
   * again later, as in the handler of a WebSocket, it returns `null` once the session has ended.
   * @throws an error whose `statusCode` is 503 and whose `code` is `LATCHKEY_UNAVAILABLE`, as a
   *   rejection, while the store does not answer
   */
  getAuth(): Promise<Auth | null>
}

type NameOf<Name extends string> = Name extends keyof RenamedDecorators
  ? RenamedDecorators[Name] & string
  : Name

/** What Latchkey adds to a request: `auth` and `getAuth()`, under the names in `RenamedDecorators`. */
export type RequestDecorators = keyof RenamedDecorators extends never
  ? UsualDecorators
  : { [Name in keyof UsualDecorators as NameOf<Name>]: UsualDecorators[Name] }

/**
 * Checks that no decorator has a name that Latchkey needs.
 * @throws LatchkeyError `LATCHKEY_DECORATOR_TAKEN`
 */
export function refuseTakenNames(app: FastifyInstance, { decorators }: Settings): void {
  if (app.hasDecorator('latchkey')) {
    throw new LatchkeyError(
      'LATCHKEY_DECORATOR_TAKEN',
      'Another plugin or the application already decorates the server with `latchkey`. Rename that decorator.',
    )
  }
  for (const [option, name] of Object.entries(decorators)) {
    if (!app.hasRequestDecorator(name)) continue
    throw new LatchkeyError(
      'LATCHKEY_DECORATOR_TAKEN',
      `Another plugin or the application already decorates the request with \`${name}\`. Give Latchkey's decorator another name with the option \`decorators: { ${option}: '…' }\`.`,
    )
  }
}

/** Adds `request.auth` and `request.getAuth()`, under the names of the option `decorators`. */
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
