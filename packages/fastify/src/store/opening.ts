import { LatchkeyError } from '../http/errors.ts'
import { isMigrated, migrate } from './migrations.ts'
import { patiently } from './patience.ts'
import type { SqlDriver } from './sql.ts'

/**
 * A driver that its first user opens and its last user closes, because applications in one process may share a store.
 */
export interface Opening {
  open(): Promise<void>
  close(): Promise<void>
  /** @throws Error unless the store has been opened */
  driver(): Promise<SqlDriver>
  /** Returns the driver, if it is already open. */
  current(): SqlDriver | undefined
}

/** @param closing Called when the last user closes the store, before the driver is closed. */
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
        // The last user may have closed the store in the meantime.
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

/** Connects, and creates or migrates the tables. */
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
    ? 'Another process has locked it. Try again once that process is done.'
    : 'Use a separate database, and check that this process may write to it.'
  return new LatchkeyError(
    'LATCHKEY_STORE_UNUSABLE',
    `The store's tables cannot be created or migrated: ${reason}. ${cure}`,
  )
}
