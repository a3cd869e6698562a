import type { Change } from '../store/store.ts'
import type { Opened } from './auth.ts'

/** Sessions that are being read from the store. An answer is cached only if nothing changed in the meantime. */
export interface Readings {
  /** Reads a session, or waits for a read of the same token that has begun. */
  share(token: string, read: () => Promise<Opened | null>): Promise<Opened | null>
  /** Reads a session, whatever else is being read. */
  start(token: string, read: () => Promise<Opened | null>): Promise<Opened | null>
  /** Keeps the answers that a change may make untrue out of the cache. */
  outdate(change: Change): void
}

interface Reading {
  readonly token: string
  /** Whether something has changed since it began. */
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
  /** The reading of a token that others may share, and its answer. */
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

/** Whether a change may make an answer about this token untrue. The token's user is not known yet. */
function concerns(change: Change, token: string): boolean {
  return change === 'everything' || !('session' in change) || token.startsWith(`${change.session}.`)
}
