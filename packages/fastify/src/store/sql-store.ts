import { inBatches } from './batch.ts'
import { createOpening, type Opening } from './opening.ts'
import { patiently } from './patience.ts'
import { queriesBy } from './queries.ts'
import type { SqlDriver, Statements, Watcher } from './sql.ts'
import { ConflictError, type Durability, type Store, type StoreQueries } from './store.ts'
import { createWatchers } from './watchers.ts'

// The SQL store, written once for every database that understands these statements (`queries.ts`). It
// implements the contract in `store.ts`. A driver (`SqlDriver`) connects to a database, and implements the
// promises that each database keeps in its own way.

/** The maximum number of sessions in one read. */
const MOST_IN_A_READ = 500

/** @param connect Creates the driver. `open()` calls it, so that an unused store costs nothing. */
export function sqlStore(connect: (watchers: Watcher) => Promise<SqlDriver>): Store {
  const watchers = createWatchers()
  const opening = createOpening(
    () => connect(watchers),
    () => watchers.changed('everything'),
  )
  const runner = createRunner(opening, watchers.reportUnreadable)

  return {
    open: opening.open,
    close: opening.close,

    watch(changed, warn) {
      const stop = watchers.add({ changed, warn })
      return {
        isCurrent: () => opening.current()?.isCurrent() ?? false,
        isFollowing: () => opening.current()?.isFollowing() ?? false,
        attend: () => opening.current()?.attend() ?? (() => {}),
        stop,
      }
    },

    transaction: runner.transaction,
    ...singleQueries(runner),
    findSession: findSessionsTogether(opening, runner),

    async deleteExpired(...limits) {
      const driver = await opening.driver()
      await patiently(driver.isBusy, () => driver.sweepRecord())
      return runner.transaction('process', (queries) => queries.deleteExpired(...limits))
    },
  }
}

/** Selects one of the queries of a store. */
type Choice<A extends unknown[], T> = (queries: StoreQueries) => (...parameters: A) => Promise<T>

interface Runner {
  readonly transaction: Store['transaction']
  /** Runs a query outside of a transaction. The query must not invalidate an earlier result. */
  alone<A extends unknown[], T>(query: Choice<A, T>): (...parameters: A) => Promise<T>
  /** Runs a query in a transaction, so that its changes are recorded. They survive a power loss. */
  changing<A extends unknown[], T>(query: Choice<A, T>): (...parameters: A) => Promise<T>
}

/** Runs queries on the open driver, and retries while another process interferes. */
function createRunner(opening: Opening, report: Statements['report']): Runner {
  let single: { readonly driver: SqlDriver; readonly queries: StoreQueries } | undefined

  /**
   * They are created once per driver, because most requests whose session is not cached run one of them.
   */
  function singleOn(driver: SqlDriver): StoreQueries {
    if (single?.driver === driver) return single.queries
    const queries = queriesBy({ sql: driver.sql, recorded: () => {}, report })
    single = { driver, queries }
    return queries
  }

  async function transaction<T>(
    durability: Durability,
    work: (queries: StoreQueries) => Promise<T>,
  ): Promise<T> {
    const driver = await opening.driver()
    const isInTheWay = (error: unknown): boolean =>
      driver.isBusy(error) || error instanceof ConflictError
    return patiently(isInTheWay, () =>
      driver.transaction(durability, (sql, recorded) => work(queriesBy({ sql, recorded, report }))),
    )
  }

  return {
    transaction,

    alone(query) {
      return async (...parameters) => {
        const driver = await opening.driver()
        const run = query(singleOn(driver))
        return patiently(driver.isBusy, () => run(...parameters))
      }
    },

    changing(query) {
      return (...parameters) =>
        transaction('power-loss', (queries) => query(queries)(...parameters))
    },
  }
}

/** The single queries of a store, except those that take more than one step. */
function singleQueries({
  alone,
  changing,
}: Runner): Omit<StoreQueries, 'findSession' | 'deleteExpired'> {
  return {
    findUser: alone((queries) => queries.findUser),
    listUsers: alone((queries) => queries.listUsers),
    insertUser: alone((queries) => queries.insertUser),
    updateUser: changing((queries) => queries.updateUser),
    deleteUser: changing((queries) => queries.deleteUser),
    findIdentity: alone((queries) => queries.findIdentity),
    insertIdentity: alone((queries) => queries.insertIdentity),
    updateIdentity: alone((queries) => queries.updateIdentity),
    findSessions: alone((queries) => queries.findSessions),
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
  }
}

/** Finds sessions. If the driver asks for it, concurrent reads are combined. */
function findSessionsTogether(opening: Opening, { alone }: Runner): StoreQueries['findSession'] {
  const findOne = alone((queries) => queries.findSession)
  const findSome = alone((queries) => queries.findSessions)
  let findTogether: StoreQueries['findSession'] | undefined

  return async (id) => {
    const { readsAtATime } = await opening.driver()
    if (readsAtATime === undefined) return findOne(id)
    findTogether ??= inBatches(
      async (ids) => new Map((await findSome(ids)).map((found) => [found.session.id, found])),
      { reads: readsAtATime, keys: MOST_IN_A_READ },
    )
    return findTogether(id)
  }
}
