import { LatchkeyError } from '../http/errors.ts'
import { inBatches } from './batch.ts'
import { isMigrated, migrate } from './migrations.ts'
import { patiently } from './patience.ts'
import { queriesBy } from './queries.ts'
import type { SqlDriver, Watcher } from './sql.ts'
import {
  type Change,
  ConflictError,
  type Durability,
  type Store,
  type StoreQueries,
} from './store.ts'

// The store over SQL, written once for every database that understands these statements (`queries.ts`): it
// promises what `store.ts` asks of a store. A driver (`SqlDriver`) brings a database, and keeps those of the
// promises that each database keeps in its own way.

/** The most rows that are reported as unreadable. By then somebody knows. */
const MOST_REPORTED = 1_000

/** The most sessions of one read. */
const MOST_IN_A_READ = 500

/** @param connect Makes the driver; called by `open()`, so that a store costs nothing until it is used. */
export function sqlStore(connect: (watchers: Watcher) => Promise<SqlDriver>): Store {
  let opening: Promise<SqlDriver> | undefined
  let open: SqlDriver | undefined
  /** Two applications in one process may share a store: the last one closes it. */
  let users = 0
  const watchers = new Set<Watcher>()
  const reported = new Set<string>()

  function tell(change: Change): void {
    for (const watcher of watchers) watcher.changed(change)
  }

  function warn(message: string): void {
    for (const watcher of watchers) watcher.warn(message)
  }

  /** Warns about a row that cannot be read, once. */
  function report(table: string, id: string): void {
    if (reported.has(id) || reported.size >= MOST_REPORTED) return
    reported.add(id)
    warn(
      `The row with the id ${JSON.stringify(id)} in ${table} cannot be read, and is treated as missing or incomplete. Correct it or delete it.`,
    )
  }

  async function start(): Promise<SqlDriver> {
    const driver = await connect({ changed: tell, warn })
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

  function opened(): Promise<SqlDriver> {
    if (opening === undefined) throw new Error('The store is not open.')
    return opening
  }

  async function transaction<T>(
    durability: Durability,
    work: (queries: StoreQueries) => Promise<T>,
  ): Promise<T> {
    const driver = await opened()
    const isInTheWay = (error: unknown): boolean =>
      driver.isBusy(error) || error instanceof ConflictError
    return patiently(isInTheWay, () =>
      driver.transaction(durability, (sql, recorded) => work(queriesBy({ sql, recorded, report }))),
    )
  }

  /** A query by itself, which makes no earlier answer untrue. */
  const alone = <A extends unknown[], T>(
    query: (queries: StoreQueries) => (...parameters: A) => Promise<T>,
  ) => {
    return async (...parameters: A): Promise<T> => {
      const driver = await opened()
      const queries = queriesBy({ sql: driver.sql, recorded: () => {}, report })
      return patiently(driver.isBusy, () => query(queries)(...parameters))
    }
  }

  /** One that does. */
  const changing = <A extends unknown[], T>(
    query: (queries: StoreQueries) => (...parameters: A) => Promise<T>,
    durability: Durability = 'power-loss',
  ) => {
    return (...parameters: A): Promise<T> =>
      transaction(durability, (queries) => query(queries)(...parameters))
  }

  const findOne = alone((queries) => queries.findSession)
  const findSessions = alone((queries) => queries.findSessions)
  const deleteExpired = changing((queries) => queries.deleteExpired, 'process')
  let findTogether: typeof findOne | undefined

  /** Reads that wait at the same time become one, where the driver asks for it. */
  async function findSession(id: string): ReturnType<typeof findOne> {
    const { readsAtATime } = await opened()
    if (readsAtATime === undefined) return findOne(id)
    findTogether ??= inBatches(
      async (ids) => new Map((await findSessions(ids)).map((found) => [found.session.id, found])),
      { reads: readsAtATime, keys: MOST_IN_A_READ },
    )
    return findTogether(id)
  }

  return {
    async open() {
      users++
      opening ??= start()
      const mine = opening
      try {
        const made = await mine
        // Unless the last user has gone meanwhile.
        if (opening === mine) open = made
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
      tell('everything')
      const driver = await last
      await driver?.close()
    },

    watch(changed, warn) {
      const watcher = { changed, warn }
      watchers.add(watcher)
      return {
        isCurrent: () => open?.isCurrent() ?? false,
        isFollowing: () => open?.isFollowing() ?? false,
        attend: () => open?.attend() ?? (() => {}),
        stop: () => watchers.delete(watcher),
      }
    },

    transaction,

    findUser: alone((queries) => queries.findUser),
    listUsers: alone((queries) => queries.listUsers),
    insertUser: alone((queries) => queries.insertUser),
    updateUser: changing((queries) => queries.updateUser),
    deleteUser: changing((queries) => queries.deleteUser),
    findIdentity: alone((queries) => queries.findIdentity),
    insertIdentity: alone((queries) => queries.insertIdentity),
    updateIdentity: alone((queries) => queries.updateIdentity),
    findSession,
    findSessions,
    findEnds: alone((queries) => queries.findEnds),
    listSessions: alone((queries) => queries.listSessions),
    insertSession: alone((queries) => queries.insertSession),
    touchSessions: alone((queries) => queries.touchSessions),
    rotateSession: changing((queries) => queries.rotateSession),
    deleteSession: changing((queries) => queries.deleteSession),
    deleteSessionsOf: changing((queries) => queries.deleteSessionsOf),
    deleteOldestSessionsOf: changing((queries) => queries.deleteOldestSessionsOf),
    deleteAllSessions: changing((queries) => queries.deleteAllSessions),
    useFlow: alone((queries) => queries.useFlow),
    async deleteExpired(...limits) {
      const driver = await opened()
      await patiently(driver.isBusy, () => driver.sweepRecord())
      return deleteExpired(...limits)
    },
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
