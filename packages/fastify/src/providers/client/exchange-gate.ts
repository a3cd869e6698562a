import { isIPv6 } from 'node:net'
import { FlowError } from '../../http/errors.ts'

/**
 * Limits how many exchanges with one provider are in progress, so that a provider that hangs cannot
 * use up this server's connections and memory. It promises:
 *
 * - At most `limit` places are taken at a time. Each provider has its own gate, so one that hangs
 *   does not slow down the others.
 * - The queue for a place is as long as `limit`, but never longer than 100. Nothing waits outside
 *   the queue.
 * - A free place goes to the waiter whose address has the fewest places, then to the longest wait.
 * - When the queue is full, a newcomer displaces the newest waiter of the address with the most
 *   waiters, unless its own address would then have as many. Otherwise the newcomer is rejected.
 *
 * An address is an IPv4 address or the /64 of an IPv6 address, because one subscriber has a whole
 * /64.
 */
export interface ExchangeGate {
  /** Takes a free place, or joins the queue. */
  enter(address: string): Place
}

/** The place of one exchange, taken or waited for. */
export interface Place {
  /**
   * Resolves when the exchange may begin. Rejects with a FlowError `unavailable` when the queue has no
   * room for it, and with `LEFT` when `leave()` was called first.
   */
  readonly granted: Promise<void>
  /** Releases the place, or stops waiting for it. Later calls are no-ops. */
  leave(): void
}

/** The rejection reason when a waiter left before its place was granted. */
export const LEFT: Error = new Error('left the queue')

/** The longest queue. A longer wait would time out before its turn. */
const LONGEST_QUEUE = 100

interface Waiter {
  readonly address: string
  grant(): void
  reject(reason: Error): void
}

/** @param limit the most exchanges in progress, at least 1 */
export function createExchangeGate(limit: number): ExchangeGate {
  const places = createPlaces()
  /** The longest wait first. */
  const queue: Waiter[] = []
  const longestQueue = Math.min(limit, LONGEST_QUEUE)

  /**
   * Makes room in the queue for one more waiter of this address, displacing another if necessary.
   * Returns whether there is room.
   */
  function makeRoom(address: string): boolean {
    if (queue.length < longestQueue) return true
    const displaced = displacedBy(address, queue)
    if (displaced === undefined) return false
    remove(displaced)
    displaced.reject(tooMany())
    return true
  }

  function remove(waiter: Waiter): void {
    queue.splice(queue.indexOf(waiter), 1)
  }

  function giveBack(address: string): void {
    places.giveBack(address)
    const next = nextOf(queue, places)
    if (next === undefined) return
    remove(next)
    next.grant()
  }

  return {
    enter(given) {
      const address = subscriberOf(given)
      const { promise: granted, resolve, reject } = Promise.withResolvers<void>()
      // A caller that leaves does not have to handle the rejection too.
      granted.catch(() => {})
      let state: 'waiting' | 'granted' | 'over' = 'waiting'
      const waiter: Waiter = {
        address,
        grant() {
          state = 'granted'
          places.take(address)
          resolve()
        },
        reject(reason) {
          state = 'over'
          reject(reason)
        },
      }
      if (places.taken() < limit) waiter.grant()
      else if (makeRoom(address)) queue.push(waiter)
      else waiter.reject(tooMany())

      return {
        granted,
        leave() {
          const before = state
          state = 'over'
          if (before === 'granted') giveBack(address)
          if (before !== 'waiting') return
          remove(waiter)
          reject(LEFT)
        },
      }
    },
  }
}

/** The places that are taken, by address. */
interface Places {
  taken(): number
  /** Returns how many places an address has. */
  heldBy(address: string): number
  take(address: string): void
  giveBack(address: string): void
}

function createPlaces(): Places {
  const held = new Map<string, number>()
  let taken = 0
  const heldBy = (address: string): number => held.get(address) ?? 0

  return {
    taken: () => taken,
    heldBy,
    take(address) {
      taken++
      held.set(address, heldBy(address) + 1)
    },
    giveBack(address) {
      taken--
      const left = heldBy(address) - 1
      if (left === 0) held.delete(address)
      else held.set(address, left)
    },
  }
}

/** Returns the waiter whose turn is next. */
function nextOf(queue: readonly Waiter[], { heldBy }: Places): Waiter | undefined {
  let fewest: Waiter | undefined
  for (const waiter of queue) {
    if (fewest === undefined || heldBy(waiter.address) < heldBy(fewest.address)) fewest = waiter
  }
  return fewest
}

/** Returns the waiter of a full queue that a newcomer of this address displaces, if any. */
function displacedBy(address: string, queue: readonly Waiter[]): Waiter | undefined {
  const waiting = new Map<string, number>()
  for (const waiter of queue) waiting.set(waiter.address, (waiting.get(waiter.address) ?? 0) + 1)
  const most = Math.max(...waiting.values())
  if (most <= (waiting.get(address) ?? 0) + 1) return undefined
  return queue.findLast((waiter) => waiting.get(waiter.address) === most)
}

function tooMany(): FlowError {
  return new FlowError('unavailable', 'too many exchanges with the provider are waiting')
}

/** Returns the key that an address is counted under: itself, or its /64. */
function subscriberOf(address: string): string {
  const [plain = ''] = address.split('%', 1)
  if (!isIPv6(plain)) return address
  // The URL parser's spelling: lowercase, without leading zeros, with a trailing IPv4 in
  // hexadecimal.
  const canonical = new URL(`http://[${plain}]`).hostname.slice(1, -1)
  // An IPv4 client of a server that listens on IPv6. All of these share one /64.
  if (canonical.startsWith('::ffff:')) return canonical
  const [start = '', end = ''] = canonical.split('::')
  const [head, tail] = [start, end].map((part) => part.split(':').filter((group) => group !== ''))
  const missing = 8 - (head?.length ?? 0) - (tail?.length ?? 0)
  const groups = [...(head ?? []), ...Array<string>(missing).fill('0'), ...(tail ?? [])]
  return groups.slice(0, 4).join(':')
}
