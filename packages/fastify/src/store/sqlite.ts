import '../http/node-version.ts'

import { LatchkeyError } from '../http/errors.ts'
import { sqlStore } from './sql-store.ts'
import { connectSqlite } from './sqlite-driver.ts'
import type { Store } from './store.ts'

/**
 * A store in one SQLite file, through Node's own `node:sqlite`, in WAL mode. For one machine: several
 * processes may share the file, several machines may not.
 *
 * @param file A path, made with its folders if it is missing, or `:memory:` for a test.
 * @throws LatchkeyError `LATCHKEY_OPTION_MISSING` without a file; `open()` rejects with
 *   `LATCHKEY_STORE_UNUSABLE` if the file cannot be used.
 */
export function sqlite(file: string | undefined): Store {
  if (file === undefined || file === '') {
    throw new LatchkeyError(
      'LATCHKEY_OPTION_MISSING',
      "sqlite(): the file is missing. Name one, such as './data/latchkey.db', or ':memory:' in a test.",
    )
  }
  if (typeof file !== 'string' || /^[a-z][a-z0-9+.-]*:\/\//i.test(file)) {
    // A folder would be called after the password in it.
    throw new LatchkeyError(
      'LATCHKEY_OPTION_INVALID',
      "sqlite(): the file must be a path, such as './data/latchkey.db'. For the URL of a PostgreSQL there is postgres().",
    )
  }

  return sqlStore((watcher) => connectSqlite(file, watcher))
}
