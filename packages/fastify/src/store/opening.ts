import { LatchkeyError } from '../http/errors.ts'
import { isMigrated, migrate } from './migrations.ts'
import { patiently } from './patience.ts'
import type { SqlDriver } from './sql.ts'

/**
 * A driver that is opened with its first user and closed with its last one, because applications in one
 * process may share a store.
 */
export interface Opening {
  open(): Promise<void>
  close(): Promise<void>
  /** @throws Error unless somebody has opened it */
  driver(): Promise<SqlDriver>
  /** Returns the driver, if it is open by now. */
  current(): SqlDriver | undefined
}

/** @param closing Called when the last user closes it, before the driver is closed. */
export function createOpening(connect: () => Promise<SqlDriver>, closing: () => void): Opening {
  let users = 0
  let opening: Promise<SqlDriver> | undefined
  let open: SqlDriver | undefined

  return {
    async open() {
      users++
      opening ??= connectReady(connect)
      const mine = opening
      try {
        const driver = await mine
        // Unless the last user has gone in the meantime.
        if (opening === mine) open = driver
      } catch (error) {
        users--
        if (opening === mine) opening = undefined
        throw error
      }
    },

    async close() {
      users = Math.max(0, users - 1)
      if (users > 0) return
      const last = opening
      opening = undefined
      open = undefined
      closing()
      const driver = await last
      await driver?.close()
    },

    driver() {
      if (opening === undefined) throw new Error('The store is not open.')
      return opening
    },

    current: () => open,
  }
}

/** Connects, and makes the tables that are missing or old. */
async function connectReady(connect: () => Promise<SqlDriver>): Promise<SqlDriver> {
  const driver = await connect()
  try {
    await patiently(driver.isBusy, async () => {
      const isReady = !(await driver.isEmpty()) && (await isMigrated(driver.sql))
      if (!isReady) await driver.exclusive((sql) => migrate(sql, driver.dialect))
    })
    driver.follow()
    return driver
  } catch (error) {
    await driver.close()
    throw error instanceof LatchkeyError ? error : unusable(error, driver)
  }
}

function unusable(error: unknown, driver: SqlDriver): LatchkeyError {
  const reason = error instanceof Error ? error.message : String(error)
  const cure = driver.isBusy(error)
    ? 'Another process holds it. Try again once it is done.'
    : 'Check that it is a database of its own, and that this process may write to it.'
  return new LatchkeyError(
    'LATCHKEY_STORE_UNUSABLE',
    `The tables of the store cannot be made ready: ${reason}. ${cure}`,
  )
}
