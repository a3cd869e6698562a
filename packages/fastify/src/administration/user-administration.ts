import { randomUUID } from 'node:crypto'
import type { User } from '@latchkey/contract'
import type { FastifyBaseLogger } from 'fastify'
import { askStore } from '../http/errors.ts'
import { publicUser } from '../sessions/auth.ts'
import type { Settings } from '../settings.ts'
import type { StoredUser } from '../store/store.ts'
import { cursorBehind, idOf, invalid, isText, type PageOptions, pageOf } from './arguments.ts'
import { byApplication, createTransact, known, type Transact } from './transaction.ts'

/** What `app.latchkey.users` can do. */
export interface UserAdministration {
  /** Adds a user whom no identity leads to yet: for tests and imports. */
  create(user?: NewUser): Promise<User>
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

interface NewUser {
  name?: string | null | undefined
  email?: string | null | undefined
  emailVerified?: boolean | undefined
}

/** A user as the application's administrators see them. */
export interface ManagedUser extends User {
  /** Since when the user may not sign in, in milliseconds since the Unix epoch, or `null`. */
  readonly bannedAt: number | null
}

export function administerUsers(
  { clock, store }: Settings,
  log: FastifyBaseLogger,
): UserAdministration {
  const transact = createTransact(store, log)

  return {
    async create(given = {}) {
      const user = newUser(given, clock())
      await askStore(log, () => store.insertUser(user))
      return publicUser(user)
    },

    async get(userId) {
      const id = idOf(userId)
      const user = await askStore(log, () => store.findUser(id))
      return user === null ? null : managedUser(user)
    },

    async list(options) {
      const page = pageOf(options)
      const rows = await askStore(log, () => store.listUsers(page))
      return { users: rows.map(managedUser), nextCursor: cursorBehind(rows, page) }
    },

    async ban(userId) {
      await ban(transact, idOf(userId), clock)
      log.info({ event: 'user-banned', userId }, 'user banned')
    },

    async unban(userId) {
      await unban(transact, idOf(userId))
      log.info({ event: 'user-unbanned', userId }, 'user unbanned')
    },

    async delete(userId) {
      const id = idOf(userId)
      await transact((queries) => queries.deleteUser(id, byApplication('deleted')))
      log.info({ event: 'user-deleted', userId }, 'user deleted')
    },
  }
}

function newUser(
  { name = null, email = null, emailVerified = false }: NewUser,
  now: number,
): StoredUser {
  if (![name, email].every(isText)) {
    throw invalid('`name` and `email` must be texts without NUL in them, or null')
  }
  return {
    id: randomUUID(),
    name,
    email,
    emailVerified: emailVerified && email !== null,
    avatarUrl: null,
    createdAt: now,
    bannedAt: null,
  }
}

function ban(transact: Transact, userId: string, clock: () => number): Promise<void> {
  return transact(async (queries) => {
    const user = known(await queries.findUser(userId))
    await queries.updateUser({ ...user, bannedAt: user.bannedAt ?? clock() })
    await queries.deleteSessionsOf(userId, byApplication('banned'))
  })
}

function unban(transact: Transact, userId: string): Promise<void> {
  return transact(async (queries) => {
    const user = known(await queries.findUser(userId))
    await queries.updateUser({ ...user, bannedAt: null })
  })
}

function managedUser(user: StoredUser): ManagedUser {
  return { ...publicUser(user), bannedAt: user.bannedAt }
}
