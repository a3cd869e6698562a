import '../http/node-version.ts'

import { withReference } from '../http/codes.ts'
import { LatchkeyError } from '../http/errors.ts'
import { refuseUnknownOptions } from '../http/option-names.ts'
import { connectPostgres } from './postgres-driver.ts'
import { sqlStore } from './sql-store.ts'
import type { Store } from './store.ts'

export interface PostgresOptions {
  /**
   * The maximum number of connections that serve requests, per process. One additional connection listens.
   * Default 10.
   */
  readonly maxConnections?: number | undefined
  /**
   * The time limit, in milliseconds, for each of these: connecting, waiting for a free connection, and running a
   * query. A request that waits longer gets a 503. Default 5000.
   */
  readonly timeout?: number | undefined
  /**
   * A URL of the same database through which `LISTEN` works. Required if `url` points to a pooler that
   * assigns connections per transaction, such as PgBouncer. Default `url`.
   */
  readonly listenUrl?: string | undefined
  /**
   * The longest time that this server may still accept a session that another server has revoked, in
   * milliseconds, up to 60000. It usually takes only a few milliseconds, thanks to `NOTIFY`. Each server also
   * reads the record of changes once a second, and does not use its cache while its last read is older than
   * this. With 0, every request reads its session from PostgreSQL. Default 5000.
   */
  readonly maxStaleness?: number | undefined
}

/**
 * Returns a store in a PostgreSQL database, for any number of servers on any number of machines. Requires the
 * `pg` package.
 *
 * @param url Such as `postgres://user:password@host:5432/database`. Configure TLS in it, with `sslmode`, as
 *   `pg` documents.
 * @throws LatchkeyError `LATCHKEY_OPTION_MISSING` without a URL, `LATCHKEY_OPTION_INVALID` for an invalid one,
 *   `LATCHKEY_OPTION_UNKNOWN`. Registration fails with `LATCHKEY_STORE_UNUSABLE` if the database cannot be
 *   used.
 *
 * @example
 * await app.register(latchkey, { store: postgres(process.env.DATABASE_URL, { maxConnections: 20 }) })
 */
export function postgres(url: string | undefined, options: PostgresOptions = {}): Store {
  const given = checkNames(options)
  const { maxConnections = 10, timeout = 5_000, maxStaleness = 5_000 } = given
  if (url === undefined || url === '') {
    throw new LatchkeyError(
      'LATCHKEY_OPTION_MISSING',
      "postgres(): the URL is missing. Pass one, such as 'postgres://user:password@localhost:5432/database'.",
    )
  }
  const { listenUrl = url } = given
  checkUrl('the url', url)
  checkUrl('`listenUrl`', listenUrl)
  checkWhole('maxConnections', maxConnections, 1, 10_000)
  checkWhole('timeout', timeout, 1, 600_000)
  checkWhole('maxStaleness', maxStaleness, 0, 60_000)
  warnOfSeconds('timeout', timeout)
  warnOfSeconds('maxStaleness', maxStaleness)

  const settings = { url, listenUrl, maxConnections, timeout, maxStaleness }
  return sqlStore((watcher) => connectPostgres(settings, watcher))
}

const NAMES = ['maxConnections', 'timeout', 'listenUrl', 'maxStaleness']

function checkNames(options: PostgresOptions): PostgresOptions {
  if (typeof options === 'object' && options !== null) {
    refuseUnknownOptions(options, NAMES, {
      say: (name) => `postgres(): there is no option \`${name}\`.`,
    })
    return options
  }
  throw new LatchkeyError(
    'LATCHKEY_OPTION_INVALID',
    'postgres(): the options must be an object, such as { maxConnections: 20 }.',
  )
}

function checkUrl(name: string, url: string): void {
  // The message must not repeat the URL, which may contain a password.
  if (typeof url === 'string' && /^postgres(ql)?:\/\//.test(url) && URL.canParse(url)) return
  throw new LatchkeyError(
    'LATCHKEY_OPTION_INVALID',
    `postgres(): ${name} must be a URL that begins with postgres:// or postgresql://.`,
  )
}

/** Only warns, because the value could also be meant as milliseconds. */
function warnOfSeconds(name: string, value: number): void {
  if (value < 1 || value > 60) return
  process.emitWarning(
    withReference(
      `postgres(): \`${name}\` is in milliseconds, and this looks like seconds. Multiply it by 1000.`,
      'looks_like_seconds',
    ),
    'LatchkeyWarning',
  )
}

function checkWhole(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw new LatchkeyError(
    'LATCHKEY_OPTION_INVALID',
    `postgres(): \`${name}\` must be a whole number from ${least} to ${most}.`,
  )
}
