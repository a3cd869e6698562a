import type { Statements } from './sql.ts'
import type { StoreQueries } from './store.ts'
import { expiryQueries } from './tables/expired.ts'
import { identityQueries } from './tables/identities.ts'
import { sessionEndQueries } from './tables/session-ends.ts'
import { sessionQueries } from './tables/sessions.ts'
import { flowQueries } from './tables/used-flows.ts'
import { userQueries } from './tables/users.ts'

/**
 * Returns the queries of a store, as statements that every driver understands. Each table has a
 * file in `tables/`.
 */
export function queriesBy(statements: Statements): StoreQueries {
  return {
    ...userQueries(statements),
    ...identityQueries(statements),
    ...sessionQueries(statements),
    ...sessionEndQueries(statements),
    ...flowQueries(statements),
    ...expiryQueries(statements),
  }
}
