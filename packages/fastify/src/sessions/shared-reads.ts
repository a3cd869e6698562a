import type { Change } from '../store/store.ts'
import type { Opened } from './auth.ts'

/**
 * Sessions that are being read from the store. A result is cached only if nothing changed in the
 * meantime.
 */
export interface Readings {
  /** Reads a session, or waits for a read of the same token that is in progress. */
  share(token: string, read: () => Promise<Opened | null>): Promise<Opened | null>
  /** Reads a session, regardless of other reads in progress. */
  start(token: string, read: () => Promise<Opened | null>): Promise<Opened | null>
  /** Prevents reads that a change may have invalidated from being cached. */
  outdate(change: Change): void
}

interface Reading {
  readonly token: string
  /** Whether something has changed since the read began. */
  isOutdated: boolean
}

export function createReadings({
  keep,
  removeToken,
}: {
  keep(token: string, opened: Opened): Opened
  removeToken(token: string): void
}): Readings {
  const underWay = new Set<Reading>()
  /** For each token, the read that other calls may share, and its result. */
  const shared = new Map<string, { reading: Reading; answer: Promise<Opened | null> }>()

  async function follow(
    reading: Reading,
    read: () => Promise<Opened | null>,
  ): Promise<Opened | null> {
    const { token } = reading
    underWay.add(reading)
    try {
      const opened = await read()
      if (opened !== null) return reading.isOutdated ? opened : keep(token, opened)
      removeToken(token)
      return null
    } finally {
      underWay.delete(reading)
      if (shared.get(token)?.reading === reading) shared.delete(token)
    }
  }

  return {
    share(token, read) {
      const known = shared.get(token)
      if (known !== undefined) return known.answer
      const reading: Reading = { token, isOutdated: false }
      const answer = follow(reading, read)
      shared.set(token, { reading, answer })
      return answer
    },

    start: (token, read) => follow({ token, isOutdated: false }, read),

    outdate(change) {
      for (const reading of underWay) {
        if (!concerns(change, reading.token)) continue
        reading.isOutdated = true
        shared.delete(reading.token)
      }
    },
  }
}

/** Whether a change may invalidate a read of this token. The token's user is not known yet. */
function concerns(change: Change, token: string): boolean {
  return change === 'everything' || !('session' in change) || token.startsWith(`${change.session}.`)
}
