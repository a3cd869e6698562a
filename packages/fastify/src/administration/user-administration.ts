import { randomUUID } from 'node:crypto'
import type { User } from '@latchkey/contract'
import type { FastifyBaseLogger } from 'fastify'
import { isName } from '../accounts/edited-name.ts'
import { rolesOf } from '../accounts/roles.ts'
import { askStore } from '../http/errors.ts'
import { publicUser } from '../sessions/auth.ts'
import type { Settings } from '../settings.ts'
import type { StoredUser } from '../store/store.ts'
import { cursorBehind, idOf, invalid, isText, type PageOptions, pageOf } from './arguments.ts'
import { byApplication, createTransact, known, type Transact } from './transaction.ts'

/** The methods of `app.latchkey.users`. */
export interface UserAdministration {
  /**
   * Creates a user without an identity, for your tests. Such a user can only be signed in with
   * `sessions.create()`. It cannot be used to import users, because a person who signs in with a provider
   * gets a new user. Linking an identity to an existing user is not available yet.
   *
   * @throws LatchkeyError `LATCHKEY_ARGUMENT_INVALID` if `name` or `email` is not a string or `null`
   *
   * @example
   * const user = await app.latchkey.users.create({ name: 'Test Person' })
   */
  create(user?: NewUser): Promise<User>
  /**
   * Returns a user, or `null` if the id is unknown.
   *
   * @example
   * const user = await app.latchkey.users.get(userId)
   */
  get(userId: string): Promise<ManagedUser | null>
  /**
   * Returns a page of all users, newest first.
   *
   * @example
   * const { users, nextCursor } = await app.latchkey.users.list({ limit: 20 })
   */
  list(page?: PageOptions): Promise<{ users: ManagedUser[]; nextCursor: string | null }>
  /**
   * Changes a user. Every server uses the new values within milliseconds, and open sessions continue.
   *
   * @throws LatchkeyError `LATCHKEY_UNKNOWN_USER`, or `LATCHKEY_ARGUMENT_INVALID` if a value is invalid
   *
   * @example
   * await app.latchkey.users.update(userId, { roles: ['editor'] })
   */
  update(userId: string, changes: UserChanges): Promise<ManagedUser>
  /**
   * Bans a user: revokes all of their sessions, and rejects their sign-ins with `user_banned`. Banning a
   * user again keeps the first `bannedAt`.
   *
   * @throws LatchkeyError `LATCHKEY_UNKNOWN_USER`
   *
   * @example
   * await app.latchkey.users.ban(userId)
   */
  ban(userId: string): Promise<void>
  /**
   * Allows a banned user to sign in again. Revoked sessions stay revoked.
   *
   * @throws LatchkeyError `LATCHKEY_UNKNOWN_USER`
   *
   * @example
   * await app.latchkey.users.unban(userId)
   */
  unban(userId: string): Promise<void>
  /**
   * Deletes a user with all of their identities and sessions. If the person signs in again with the same
   * account at the provider, a new user is created. Deleting an unknown user is a no-op.
   *
   * @example
   * await app.latchkey.users.delete(userId)
   */
  delete(userId: string): Promise<void>
}

/** The fields of a new user. */
export interface NewUser {
  /** Default `null`. */
  name?: string | null | undefined
  /** Default `null`. */
  email?: string | null | undefined
  /** Whether `email` is verified. Always `false` without `email`. Default `false`. */
  emailVerified?: boolean | undefined
}

/** The fields that `users.update()` can change. */
export interface UserChanges {
  /** Replaces all roles, which `guard({ role })` checks. An empty array removes them. */
  readonly roles?: readonly string[] | undefined
  /** Replaces the name, which later sign-ins then keep. 1 to 200 characters, on one line. */
  readonly name?: string | undefined
}

/** A user, including the fields that only administrators can see. */
export interface ManagedUser extends User {
  /** When the user was banned, in milliseconds since the Unix epoch. `null` if the user is not banned. */
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

    async update(userId, changes) {
      const user = await update(transact, idOf(userId), changes)
      log.info({ event: 'user-updated', userId, roles: user.roles }, 'user updated')
      return managedUser(user)
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
    throw invalid('`name` and `email` must be strings without NUL characters, or null')
  }
  return {
    id: randomUUID(),
    name,
    email,
    emailVerified: emailVerified && email !== null,
    avatarUrl: null,
    createdAt: now,
    bannedAt: null,
    roles: [],
    isPending: false,
    isNameEdited: false,
  }
}

function update(transact: Transact, userId: string, changes: UserChanges): Promise<StoredUser> {
  const { name, roles, ...others } = Object(changes) as UserChanges
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) {
    throw invalid(`\`${unknown}\` cannot be changed. The fields are name, roles`)
  }
  return transact(async (queries) => {
    const before = known(await queries.findUser(userId))
    const user = {
      ...before,
      ...(roles !== undefined && { roles: rolesOf(roles) }),
      ...(name !== undefined && { name: checkName(name), isNameEdited: true }),
    }
    await queries.updateUser(user)
    return user
  })
}

function checkName(name: unknown): string {
  if (isName(name)) return name.trim()
  throw invalid('`name` must be a string of 1 to 200 characters, without line breaks')
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
