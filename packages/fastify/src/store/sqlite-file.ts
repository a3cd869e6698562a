import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { LatchkeyError } from '../http/errors.ts'
import { patiently } from './patience.ts'

/**
 * How long a statement waits for another process's transaction, in milliseconds. It is zero, because
 * `node:sqlite` would block the whole process while it waits. The store retries instead.
 */
const BUSY_TIMEOUT = 0
/** https://sqlite.org/rescode.html#busy. The higher bits contain the details. */
const SQLITE_BUSY = 5
const SQLITE_FULL = 13

/**
 * @throws LatchkeyError `LATCHKEY_STORE_UNUSABLE` if the file cannot be created or is not a
 *   database
 */
export async function openDatabase(file: string): Promise<DatabaseSync> {
  const { DatabaseSync } = await import('node:sqlite')
  let database: DatabaseSync | undefined
  try {
    if (file !== ':memory:') {
      mkdirSync(dirname(resolve(file)), { recursive: true })
      // Other users of this machine must not be able to read people's names and addresses. SQLite copies the
      // file mode to the files next to it.
      closeSync(openSync(file, 'a', 0o600))
    }
    const opened = new DatabaseSync(file, { timeout: BUSY_TIMEOUT })
    database = opened
    // Retry, because the switch to WAL fails immediately, without waiting, while another process is switching too.
    await patiently(isBusy, async () => {
      opened.exec(
        'pragma journal_mode = wal; pragma synchronous = normal; pragma foreign_keys = on',
      )
    })
    return opened
  } catch (error) {
    database?.close()
    const reason = error instanceof Error ? error.message : String(error)
    const cure = isBusy(error)
      ? 'Another process has locked it. Try again once that process is done.'
      : 'Check that the folder exists, that this process may write to it, and that the file is a SQLite database.'
    throw new LatchkeyError(
      'LATCHKEY_STORE_UNUSABLE',
      `sqlite(): ${file} cannot be used as a database: ${reason}. ${cure}`,
    )
  }
}

/** Whether another process interfered. */
export function isBusy(error: unknown): boolean {
  return codeOf(error) === SQLITE_BUSY
}

/** Whether the disk is full, or the file cannot grow. */
export function isFull(error: unknown): boolean {
  return codeOf(error) === SQLITE_FULL
}

function codeOf(error: unknown): number {
  return ((error as { errcode?: number }).errcode ?? 0) % 256
}
