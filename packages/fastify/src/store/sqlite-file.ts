import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { LatchkeyError } from '../http/errors.ts'
import { patiently } from './patience.ts'

/**
 * How long a statement waits for another process's transaction, in milliseconds. Not at all, because
 * `node:sqlite` waits with the whole process, once for every request; the store asks again later instead.
 */
const BUSY_TIMEOUT = 0
/** https://sqlite.org/rescode.html#busy; the higher bits say more. */
const SQLITE_BUSY = 5
const SQLITE_FULL = 13

/** @throws LatchkeyError `LATCHKEY_STORE_UNUSABLE` if the file cannot be made or is no database */
export async function openDatabase(file: string): Promise<DatabaseSync> {
  const { DatabaseSync } = await import('node:sqlite')
  let database: DatabaseSync | undefined
  try {
    if (file !== ':memory:') {
      mkdirSync(dirname(resolve(file)), { recursive: true })
      // People's names and addresses are nobody else's on this machine. SQLite gives the files beside it
      // the mode of the first.
      closeSync(openSync(file, 'a', 0o600))
    }
    const opened = new DatabaseSync(file, { timeout: BUSY_TIMEOUT })
    database = opened
    // The change to WAL is refused at once, timeout or not, while another process makes it too.
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
      ? 'Another process holds it. Try again once it is done.'
      : 'Check that the folder exists, that this process may write to it, and that the file is a SQLite database.'
    throw new LatchkeyError(
      'LATCHKEY_STORE_UNUSABLE',
      `sqlite(): ${file} cannot be used as a database: ${reason}. ${cure}`,
    )
  }
}

/** Whether another process was in the way. */
export function isBusy(error: unknown): boolean {
  return codeOf(error) === SQLITE_BUSY
}

/** Whether the disk is full, or the file may not grow. */
export function isFull(error: unknown): boolean {
  return codeOf(error) === SQLITE_FULL
}

function codeOf(error: unknown): number {
  return ((error as { errcode?: number }).errcode ?? 0) % 256
}
