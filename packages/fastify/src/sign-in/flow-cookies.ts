import type { FastifyReply, FastifyRequest } from 'fastify'
import { readCookie, readCookies } from '../http/cookies.ts'
import { createSeal, sha256 } from '../http/seal.ts'
import type { Settings } from '../settings.ts'
import { FLOW_LIFETIME, type Flow } from './flow-contents.ts'

/**
 * Stores each flow in a sealed cookie of its own. This binds the flow to the browser, lets several tabs sign in
 * at the same time, and keeps a flood of starts from storing anything on the server.
 */
export interface FlowCookies {
  /**
   * Sets the cookie of a flow.
   * @param replaced The state of the flow that this one replaces.
   */
  put(request: FastifyRequest, reply: FastifyReply, flow: Flow, replaced?: string): void
  /** Returns the browser's flow with this `state`, or `null`. */
  find(request: FastifyRequest, state: string | null): Flow | null
  /** Clears the cookie of this `state`, even if it does not open. A no-op if the browser has no such cookie. */
  clear(request: FastifyRequest, reply: FastifyReply, state: string | null): void
}

/** How many flows a browser can have at a time. One more replaces the oldest. */
const MOST_FLOWS = 5

/**
 * The maximum length of a browser's flow cookies in its `Cookie` header, in characters. Five typical flows fit,
 * or two or three with the longest targets.
 */
const LONGEST_HEADER = 8 * 1024

/** The length of a cookie name after the prefix. It is the beginning of the state's hash. */
const NAME_LENGTH = 10
/** Other names are ignored. Clearing such a cookie could write an invalid name into a header. */
const NAME = new RegExp(`^[\\w-]{${NAME_LENGTH}}$`)

export function createFlowCookies({ clock, secrets, site }: Settings): FlowCookies {
  const { seal, open } = createSeal(secrets, 'flow')

  function nameOf(state: string): string {
    return site.cookies.flowPrefix + sha256(state).slice(0, NAME_LENGTH)
  }

  function read(name: string, value: string): Flow | null {
    const text = open(value, name)
    return text === null ? null : (JSON.parse(text) as Flow)
  }

  /** Returns the cookies of a request that are named like a flow cookie. */
  function cookiesOf(request: FastifyRequest): HeldCookie[] {
    const { flowPrefix } = site.cookies
    return [...readCookies(request.raw.headers.cookie, flowPrefix)]
      .filter(([name]) => NAME.test(name.slice(flowPrefix.length)))
      .map(([name, value]) => {
        const expiresAt = read(name, value)?.expiresAt ?? null
        return { name, length: lengthOf(name, value), expiresAt }
      })
  }

  return {
    put(request, reply, flow, replaced) {
      const name = nameOf(flow.state)
      const value = seal(JSON.stringify(flow), name)
      // The caller has already cleared it.
      const before = replaced === undefined ? null : nameOf(replaced)
      const held = cookiesOf(request).filter((cookie) => cookie.name !== before)
      for (const surplus of surplusOf(held, lengthOf(name, value), clock())) {
        site.cookies.clear(reply, surplus)
      }
      site.cookies.set(reply, name, value, FLOW_LIFETIME / 1000)
    },

    find(request, state) {
      if (state === null) return null
      const name = nameOf(state)
      const value = readCookie(request.raw.headers.cookie, name)
      const flow = value === null ? null : read(name, value)
      return flow?.state === state ? flow : null
    },

    clear(request, reply, state) {
      if (state === null) return
      const name = nameOf(state)
      if (readCookie(request.raw.headers.cookie, name) !== null) site.cookies.clear(reply, name)
    },
  }
}

/** A cookie that is named like a flow cookie. One that does not open belongs to another application on this host. */
interface HeldCookie {
  readonly name: string
  /** The length in the `Cookie` header, in characters. */
  readonly length: number
  /** `null` if the cookie does not open. */
  readonly expiresAt: number | null
}

/**
 * Returns the names of the cookies to clear: expired flows, then the oldest ones until one more fits by number
 * and length. Cookies of other applications are kept, unless the header would be too long.
 * @param held The cookies in the order of the header.
 * @param added The length of the cookie that will be set.
 */
function surplusOf(held: readonly HeldCookie[], added: number, now: number): string[] {
  const surplus: string[] = []
  const own = held.flatMap(({ expiresAt, ...cookie }) =>
    expiresAt === null ? [] : { ...cookie, expiresAt },
  )
  const foreign = held.filter(({ expiresAt }) => expiresAt === null)

  let total = added
  // Equal times keep the header's order: browsers send older cookies first (RFC 6265bis section 5.8.3).
  const newestFirst = own.reverse().sort((a, b) => b.expiresAt - a.expiresAt)
  let isFull = false
  for (const [index, { name, length, expiresAt }] of newestFirst.entries()) {
    isFull ||= index >= MOST_FLOWS - 1 || total + length > LONGEST_HEADER
    if (isFull || expiresAt <= now) surplus.push(name)
    else total += length
  }
  for (const { length } of foreign) total += length
  for (const { name, length } of foreign) {
    if (total <= LONGEST_HEADER) break
    surplus.push(name)
    total -= length
  }
  return surplus
}

/** Returns the length of `name=value; ` in a `Cookie` header. */
function lengthOf(name: string, value: string): number {
  return name.length + value.length + 3
}
