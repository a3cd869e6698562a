import { randomUUID } from 'node:crypto'
import type { Session, User } from '@latchkey/contract'
import type { FastifyInstance } from 'fastify'
import { askStore, LatchkeyError } from './errors.ts'
import type { Events } from './events.ts'
import type { Settings } from './options.ts'
import { type GuardHook, type Guards, publicSession, publicUser, type Sessions } from './session.ts'

/** `app.latchkey` */
export interface Latchkey {
  /**
   * A hook that lets signed-in people through, and makes `request.auth` readable. Everybody else is
   * answered 401 `unauthenticated`, or 503 `unavailable` while the store does not answer.
   */
  guard(): GuardHook
  readonly sessions: {
    /**
     * Signs a user in without a browser: for the application's own tests with `inject()`.
     * @returns the session, and a `Cookie` header that opens it
     * @throws LatchkeyError `LATCHKEY_UNKNOWN_USER`
     */
    create(userId: string): Promise<{ session: Session; cookie: string }>
  }
  readonly users: {
    /** Adds a user whom no identity leads to yet: for tests and imports. */
    create(user?: {
      name?: string | null | undefined
      email?: string | null | undefined
      emailVerified?: boolean | undefined
    }): Promise<User>
  }
  /**
   * Calls `listener` after each such event. A listener that fails is logged and changes nothing.
   * @returns a function that ends it
   */
  readonly on: Events['on']
}

export function createLatchkey(
  app: FastifyInstance,
  settings: Settings,
  { events, guards, sessions }: { events: Events; guards: Guards; sessions: Sessions },
): Latchkey {
  return {
    guard: guards.guard,
    on: events.on,
    sessions: { create: (userId) => createSession(app, settings, sessions, userId) },
    users: { create: (user) => createUser(app, settings, user) },
  }
}

async function createSession(
  app: FastifyInstance,
  { site, store }: Settings,
  sessions: Sessions,
  userId: string,
): Promise<{ session: Session; cookie: string }> {
  const { session, token } = sessions.issue(userId, null)
  if ((await askStore(app.log, () => store.findUser(userId))) === null) {
    throw new LatchkeyError('LATCHKEY_UNKNOWN_USER', 'sessions.create(): no user has this id.')
  }
  await askStore(app.log, () => store.insertSession(session))
  return { session: publicSession(session), cookie: `${site.cookies.session}=${token}` }
}

async function createUser(
  app: FastifyInstance,
  { clock, store }: Settings,
  user: Parameters<Latchkey['users']['create']>[0] = {},
): Promise<User> {
  const { name = null, email = null, emailVerified = false } = user
  const stored = {
    id: randomUUID(),
    name,
    email,
    emailVerified: emailVerified && email !== null,
    avatarUrl: null,
    createdAt: clock(),
  }
  await askStore(app.log, () => store.insertUser(stored))
  return publicUser(stored)
}
