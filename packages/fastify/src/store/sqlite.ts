import '../http/node-version.ts'

import { LatchkeyError } from '../http/errors.ts'
import { sqlStore } from './sql-store.ts'
import { connectSqlite } from './sqlite-driver.ts'
import type { Store } from './store.ts'

/**
 * Returns a store in one SQLite file in WAL mode, using Node's built-in `node:sqlite`. Several processes on one
 * machine can share the file. Several machines cannot.
 *
 * @param file The path of the database, or `:memory:` in a test. If the file is missing, it is created, along
 *   with its folders.
 * @throws LatchkeyError `LATCHKEY_OPTION_MISSING` without a file, `LATCHKEY_OPTION_INVALID` for a URL.
 *   Registration fails with `LATCHKEY_STORE_UNUSABLE` if the file cannot be used.
 *
 * @example
 * await app.register(latchkey, { store: sqlite('./data/latchkey.db') })
 */
export function sqlite(file: string | undefined): Store {
  if (file === undefined || file === '') {
    throw new LatchkeyError(
      'LATCHKEY_OPTION_MISSING',
      "sqlite(): the file is missing. Pass a path, such as './data/latchkey.db', or ':memory:' in a test.",
    )
  }
  if (typeof file !== 'string' || /^[a-z][a-z0-9+.-]*:\/\//i.test(file)) {
    // SQLite would create a folder whose name contains the URL's password.
    throw new LatchkeyError(
      'LATCHKEY_OPTION_INVALID',
      "sqlite(): the file must be a path, such as './data/latchkey.db'. Pass the URL of a PostgreSQL database to postgres().",
    )
  }

  return sqlStore((watcher) => connectSqlite(file, watcher))
}
