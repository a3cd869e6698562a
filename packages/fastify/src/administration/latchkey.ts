import { randomUUID } from 'node:crypto'
import type { ListedSession, Session, User } from '@latchkey/contract'
import type { FastifyInstance } from 'fastify'
import type { GuardHook, GuardOptions, Guards } from '../guard/guard.ts'
import { askStore, LatchkeyError } from '../http/errors.ts'
import { publicSession, publicUser, type Sessions } from '../sessions/session.ts'
import type { LatchkeyEventSource, Settings } from '../settings.ts'
import type { Ending, EndReason, Page, StoredUser, StoreQueries } from '../store/store.ts'

/**
 * `app.latchkey`: what an application may ask and do. What it ends has ended on this server when the
 * promise resolves, stays so whatever happens to the server, and has on every other within milliseconds,
 * or what the store promises at most (see `maxStaleness` of `postgres()`). While the store does not answer,
 * everything rejects with an error whose `statusCode` is 503; what is no id, cursor or limit with a
 * LatchkeyError `LATCHKEY_ARGUMENT_INVALID`, whose `statusCode` is 400.
 */
export interface Latchkey {
  /**
   * A hook that lets signed-in people through, and makes `request.auth` readable. Everybody else is
   * answered 401 `unauthenticated`; 403 `reauth_required` or `forbidden`, if they do not meet the options;
   * 403 `cross_site`, if a page of another site wants to change something; or 503 `unavailable` while the
   * store does not answer.
   * @throws LatchkeyError `LATCHKEY_ARGUMENT_INVALID` for options that there are not
   */
  guard(options?: GuardOptions): GuardHook
  readonly sessions: {
    /**
     * Signs a user in without a browser: for the application's own tests with `inject()`.
     * @returns the session, and a `Cookie` header that opens it
     * @throws LatchkeyError `LATCHKEY_UNKNOWN_USER`; `LATCHKEY_ARGUMENT_INVALID` if the user is banned
     */
    create(userId: string): Promise<{ session: Session; cookie: string }>
    /**
     * Where a user is signed in, the newest first. Those that are over are left out of a part after it
     * was read, so that one may have fewer than `limit`, or none, and still not be the last.
     */
    list(
      userId: string,
      page?: PageOptions,
    ): Promise<{ sessions: ListedSession[]; nextCursor: string | null }>
    /** Ends a session, if there is such a one. */
    revoke(sessionId: string): Promise<void>
    /** Ends every session of a user. */
    revokeAll(userId: string): Promise<void>
    /** Ends every session of everybody. */
    revokeEverything(): Promise<void>
  }
  readonly users: {
    /** Adds a user whom no identity leads to yet: for tests and imports. */
    create(user?: {
      name?: string | null | undefined
      email?: string | null | undefined
      emailVerified?: boolean | undefined
    }): Promise<User>
    /** The user, or `null` if there is none with this id. */
    get(userId: string): Promise<ManagedUser | null>
    /** All users, the newest first. */
    list(page?: PageOptions): Promise<{ users: ManagedUser[]; nextCursor: string | null }>
    /**
     * Ends every session of a user, and lets them in no more: their sign-in ends with `user_banned`.
     * @throws LatchkeyError `LATCHKEY_UNKNOWN_USER`
     */
    ban(userId: string): Promise<void>
    /**
     * Lets a user in again.
     * @throws LatchkeyError `LATCHKEY_UNKNOWN_USER`
     */
    unban(userId: string): Promise<void>
    /**
     * Deletes a user, if there is such a one, with all identities and sessions. Who signs in with one of
     * these identities later is a new user.
     */
    delete(userId: string): Promise<void>
  }
  /**
   * Calls `listener` after each such event. A listener that fails is logged and changes nothing.
   * @returns a function that ends it
   */
  readonly on: LatchkeyEventSource['on']
}

/** A user as the application's administrators see them. */
export interface ManagedUser extends User {
  /** Since when the user may not sign in, in milliseconds since the Unix epoch, or `null`. */
  readonly bannedAt: number | null
}

export interface PageOptions {
  /** The most rows to give, from 1 to 1000. Default 100. */
  readonly limit?: number | undefined
  /** Where to go on: the `nextCursor` of the part before. */
  readonly cursor?: string | null | undefined
}

export function createLatchkey(
  app: FastifyInstance,
  { clock, site, store }: Settings,
  { events, guards, sessions }: { events: LatchkeyEventSource; guards: Guards; sessions: Sessions },
): Latchkey {
  const ask = <T>(query: () => Promise<T>): Promise<T> => askStore(app.log, query)
  const change = <T>(work: (queries: StoreQueries) => Promise<T>): Promise<T> =>
    ask(() => store.transaction('power-loss', work))

  async function changeUser(
    userId: string,
    work: (queries: StoreQueries, user: StoredUser) => Promise<void>,
  ): Promise<void> {
    const id = idOf(userId)
    await change(async (queries) => work(queries, known(await queries.findUser(id))))
  }

  return {
    guard: guards.guard,
    on: events.on,

    sessions: {
      async create(userId) {
        const owner = { userId: idOf(userId), provider: null, device: null }
        const { session, token } = sessions.issue(owner)
        await ask(() =>
          store.transaction('process', async (queries) => {
            const user = known(await queries.findUser(session.userId))
            if (user.bannedAt !== null) throw invalid('The user is banned, and has no sessions')
            await sessions.insert(queries, session)
          }),
        )
        return { session: publicSession(session), cookie: `${site.cookies.session}=${token}` }
      },

      async list(userId, options) {
        const [id, page] = [idOf(userId), pageOf(options)]
        const rows = await ask(() => store.listSessions(id, page))
        const open = rows.filter(sessions.isOpen).map(sessions.listed)
        return { sessions: open, nextCursor: cursorBehind(rows, page) }
      },

      async revoke(sessionId) {
        const id = idOf(sessionId)
        await change((queries) => queries.deleteSession(id, byApplication('revoked')))
        app.log.info({ event: 'session-revoked', sessionId }, 'session revoked')
      },

      async revokeAll(userId) {
        const id = idOf(userId)
        await change(async (queries) => {
          // The user before the sessions, as everywhere, so that two transactions do not deadlock.
          await queries.findUser(id)
          await queries.deleteSessionsOf(id, byApplication('revoked'))
        })
        app.log.info({ event: 'sessions-revoked', userId }, 'sessions revoked')
      },

      async revokeEverything() {
        await change((queries) => queries.deleteAllSessions(byApplication('revoked')))
        app.log.warn({ event: 'sessions-revoked' }, 'sessions of everybody revoked')
      },
    },

    users: {
      async create({ name = null, email = null, emailVerified = false } = {}) {
        if (![name, email].every(isText)) {
          throw invalid('`name` and `email` must be texts without NUL in them, or null')
        }
        const user = {
          id: randomUUID(),
          name,
          email,
          emailVerified: emailVerified && email !== null,
          avatarUrl: null,
          createdAt: clock(),
          bannedAt: null,
        }
        await ask(() => store.insertUser(user))
        return publicUser(user)
      },

      async get(userId) {
        const id = idOf(userId)
        const user = await ask(() => store.findUser(id))
        return user === null ? null : managedUser(user)
      },

      async list(options) {
        const page = pageOf(options)
        const rows = await ask(() => store.listUsers(page))
        return { users: rows.map(managedUser), nextCursor: cursorBehind(rows, page) }
      },

      async ban(userId) {
        await changeUser(userId, async (queries, user) => {
          await queries.updateUser({ ...user, bannedAt: user.bannedAt ?? clock() })
          await queries.deleteSessionsOf(userId, byApplication('banned'))
        })
        app.log.info({ event: 'user-banned', userId }, 'user banned')
      },

      async unban(userId) {
        await changeUser(userId, (queries, user) => queries.updateUser({ ...user, bannedAt: null }))
        app.log.info({ event: 'user-unbanned', userId }, 'user unbanned')
      },

      async delete(userId) {
        const id = idOf(userId)
        await change((queries) => queries.deleteUser(id, byApplication('deleted')))
        app.log.info({ event: 'user-deleted', userId }, 'user deleted')
      },
    },
  }
}

function byApplication(reason: EndReason): Ending {
  return { reason, actor: null }
}

function known(user: StoredUser | null): StoredUser {
  if (user !== null) return user
  throw new LatchkeyError('LATCHKEY_UNKNOWN_USER', 'No user has this id.')
}

/**
 * An id as a store can be asked for it: `''`, which is nobody's, for a text that is none of ours, since
 * not every database takes every text.
 */
function idOf(id: unknown): string {
  if (typeof id !== 'string') throw invalid('An id must be a text')
  return /^[\w-]{1,64}$/.test(id) ? id : ''
}

function invalid(what: string): LatchkeyError {
  return new LatchkeyError('LATCHKEY_ARGUMENT_INVALID', `${what}.`)
}

/** What every database takes. */
function isText(value: unknown): boolean {
  return value === null || (typeof value === 'string' && !value.includes('\0'))
}

function managedUser(user: StoredUser): ManagedUser {
  return { ...publicUser(user), bannedAt: user.bannedAt }
}

type Row = NonNullable<Page['after']>

function pageOf(options: PageOptions | undefined): Page {
  const { limit = 100, cursor, ...others } = Object(options ?? {}) as PageOptions
  const [unknown] = Object.keys(others)
  if (unknown !== undefined || (options !== undefined && typeof options !== 'object')) {
    throw invalid('A page has a `limit` and a `cursor`, and nothing else')
  }
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= 1000)) {
    throw invalid('A `limit` must be a whole number from 1 to 1000')
  }
  return { limit, after: cursor === undefined || cursor === null ? undefined : rowOf(cursor) }
}

/** Where the list goes on; `null` where it has ended. */
function cursorBehind(rows: readonly Row[], { limit }: Page): string | null {
  const last = rows.at(-1)
  if (last === undefined || rows.length < limit) return null
  return Buffer.from(`${last.createdAt}.${last.id}`).toString('base64url')
}

function rowOf(cursor: string): Row {
  const text = typeof cursor === 'string' ? Buffer.from(cursor, 'base64url').toString() : ''
  const [, createdAt, id] = /^(-?\d{1,16})\.([\w-]{1,64})$/.exec(text) ?? []
  if (createdAt !== undefined && id !== undefined) return { createdAt: Number(createdAt), id }
  throw invalid('A `cursor` must be the `nextCursor` of the part before, or left out for the first')
}
