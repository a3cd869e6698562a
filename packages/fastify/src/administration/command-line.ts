import { isRole, rolesOf } from '../accounts/roles.ts'
import type { Store, StoredUser, StoreQueries } from '../store/store.ts'

/**
 * Runs one command, and returns the sentence for the terminal.
 * @param words The command and its arguments.
 * @param userId The value of `--user`.
 * @param database The path of a SQLite file, or the URL of a PostgreSQL database.
 * @throws Error that says what is wrong and how to fix it
 */
export async function runCommand(
  [command = '', ...given]: readonly string[],
  userId: string | undefined,
  database: string | undefined,
): Promise<string> {
  if (command !== 'grant-role' && command !== 'revoke-role') {
    throw new Error(
      `There is no command \`${command}\`. The commands are grant-role and revoke-role.`,
    )
  }
  const role = given.at(-1)
  const account = given.slice(0, -1)
  if (account.length !== (userId === undefined ? 2 : 0) || role === undefined) {
    throw new Error(
      `Usage: latchkey ${command} <provider> <subject> <role>, or latchkey ${command} --user <user-id> <role>. Quote a subject with braces: '{…}'.`,
    )
  }
  if (!isRole(role)) {
    throw new Error(
      'The role must have 1 to 64 letters, digits, hyphens, underscores, dots and colons.',
    )
  }
  const store = await openStore(database)
  try {
    const user = await store.transaction('power-loss', async (queries) => {
      const before = await findUser(queries, account, userId)
      const others = before.roles.filter((one) => one !== role)
      const roles = rolesOf(command === 'grant-role' ? [...others, role] : others)
      await queries.updateUser({ ...before, roles })
      return { ...before, roles }
    })
    // A name can contain sequences that control a terminal.
    const name = user.name?.replaceAll(/\p{Cc}/gu, '') ?? 'The user'
    return `${name} (${user.id}) has these roles now: ${user.roles.join(', ') || 'none'}.`
  } finally {
    await store.close()
  }
}

async function openStore(database: string | undefined): Promise<Store> {
  if (database === undefined || database === '') {
    throw new Error(
      'The database is missing. Pass --store with the path of the SQLite file or a postgres:// URL, or set DATABASE_URL.',
    )
  }
  const store = /^postgres(ql)?:/.test(database)
    ? (await import('../store/postgres.ts')).postgres(database)
    : await existingFile(database)
  await store.open()
  return store
}

/** A mistyped path must not create an empty database. */
async function existingFile(path: string): Promise<Store> {
  const { existsSync } = await import('node:fs')
  if (!existsSync(path)) throw new Error('The file at --store does not exist.')
  return (await import('../store/sqlite.ts')).sqlite(path)
}

async function findUser(
  queries: StoreQueries,
  [provider = '', subject = '']: readonly string[],
  userId: string | undefined,
): Promise<StoredUser> {
  const id = userId ?? (await queries.findIdentity(provider, subject))?.userId
  const user = id === undefined ? null : await queries.findUser(id)
  if (user !== null) return user
  throw new Error(
    userId === undefined
      ? `Nobody has signed in with \`${provider}\` and this subject. The user must sign in once. Check the database and the spelling.`
      : 'No user has this id. Check the database and the spelling.',
  )
}
