import type { FastifyReply, FastifyRequest } from 'fastify'
import { readCookie, readCookies } from '../http/cookies.ts'
import { createSeal, sha256 } from '../http/seal.ts'
import type { Settings } from '../settings.ts'
import { FLOW_LIFETIME, type Flow } from './flow-contents.ts'

/**
 * Keeps each flow sealed in a cookie of its own, so that it is bound to the browser, two tabs do not
 * disturb each other, and a flood of starts stores nothing.
 */
export interface FlowCookies {
  /** @param replaced The state of the browser's flow that this one replaces. */
  put(request: FastifyRequest, reply: FastifyReply, flow: Flow, replaced?: string): void
  /** The browser's flow of this `state`, or `null`. */
  find(request: FastifyRequest, state: string | null): Flow | null
  /** Clears the cookie of this `state`, whatever is in it. A no-op if the browser has none. */
  clear(request: FastifyRequest, reply: FastifyReply, state: string | null): void
}

/** Flows that one browser may have under way; the oldest is dropped. */
const MOST_FLOWS = 5

/**
 * How long the flow cookies of a browser may be in its `Cookie` header, in characters. That is five usual
 * flows, or two or three with the longest targets.
 */
const LONGEST_HEADER = 8 * 1024

/** How a flow is called behind the prefix: the beginning of its state's hash. */
const NAME_LENGTH = 10
/** A cookie with any other name is not a flow's, and clearing it could repeat an invalid name. */
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

  /** Returns the cookies of a request that have a flow's name. */
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
      // Cleared already.
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

/** A cookie with a flow's name. One that does not open belongs to another application on this host. */
interface HeldCookie {
  readonly name: string
  /** In the `Cookie` header. */
  readonly length: number
  /** `null` if the cookie does not open. */
  readonly expiresAt: number | null
}

/**
 * Returns the names of the cookies that have to go: the browser's flows that have expired, and its oldest
 * ones until one more fits, by number and by length. Another application's stay, unless the header grows too long.
 * @param held In the order of the header.
 * @param added The length of the cookie that will be set.
 */
function surplusOf(held: readonly HeldCookie[], added: number, now: number): string[] {
  const surplus: string[] = []
  const own = held.flatMap(({ expiresAt, ...cookie }) =>
    expiresAt === null ? [] : { ...cookie, expiresAt },
  )
  const foreign = held.filter(({ expiresAt }) => expiresAt === null)

  let total = added
  // Browsers send older cookies first (RFC 6265bis section 5.8.3), which settles ties.
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

/** As a `Cookie` header has it: `name=value; `. */
function lengthOf(name: string, value: string): number {
  return name.length + value.length + 3
}
