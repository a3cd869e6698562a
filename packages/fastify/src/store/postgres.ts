import '../http/node-version.ts'

import { LatchkeyError } from '../http/errors.ts'
import { refuseUnknownOptions } from '../http/option-names.ts'
import { connectPostgres } from './postgres-driver.ts'
import { sqlStore } from './sql-store.ts'
import type { Store } from './store.ts'

export interface PostgresOptions {
  /** The most connections that serve requests, of this process. One more listens. Default 10. */
  readonly maxConnections?: number | undefined
  /**
   * How long PostgreSQL may take to connect, to have a connection free, and to answer, in milliseconds
   * each. After that the request is answered with a 503. Default 5000.
   */
  readonly timeout?: number | undefined
  /**
   * A way to the same database on which `LISTEN` works, where `url` leads to a pooler that hands each
   * transaction another connection, such as PgBouncer. Default `url`.
   */
  readonly listenUrl?: string | undefined
  /**
   * How long a session may still be accepted after another server has ended it, in milliseconds, up to
   * 60000. Servers usually learn of it within milliseconds, by `NOTIFY`; each also reads the record of
   * changes once a second, and caches nothing while its last reading is older than this. 0 reads every
   * session from PostgreSQL for every request. Default 5000.
   */
  readonly maxStaleness?: number | undefined
}

/**
 * A store in a PostgreSQL database, through `pg`, for any number of servers on any number of machines.
 *
 * @param url Such as `postgres://user:password@host:5432/database`; TLS by `sslmode`, as `pg` has it.
 * @throws LatchkeyError `LATCHKEY_OPTION_MISSING` without a url, `LATCHKEY_OPTION_INVALID` for what is
 *   not one, `LATCHKEY_OPTION_UNKNOWN`; `open()` rejects with `LATCHKEY_STORE_UNUSABLE` if the database cannot be used.
 */
export function postgres(url: string | undefined, options: PostgresOptions = {}): Store {
  const given = checkNames(options)
  const { maxConnections = 10, timeout = 5_000, maxStaleness = 5_000 } = given
  if (url === undefined || url === '') {
    throw new LatchkeyError(
      'LATCHKEY_OPTION_MISSING',
      "postgres(): the url is missing. Give one, such as 'postgres://user:password@localhost:5432/database'.",
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
  // Whatever is wrong with it, it may hold a password.
  if (typeof url === 'string' && /^postgres(ql)?:\/\//.test(url) && URL.canParse(url)) return
  throw new LatchkeyError(
    'LATCHKEY_OPTION_INVALID',
    `postgres(): ${name} must be a URL that begins with postgres:// or postgresql://.`,
  )
}

/** Only warns, because as milliseconds it is possible too. */
function warnOfSeconds(name: string, value: number): void {
  if (value < 1 || value > 60) return
  process.emitWarning(
    `postgres(): \`${name}\` is in milliseconds, and this looks like seconds. Multiply it by 1000.`,
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
