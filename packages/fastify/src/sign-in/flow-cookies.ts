import type { FastifyReply, FastifyRequest } from 'fastify'
import { readCookie, readCookies } from '../http/cookies.ts'
import { createSeal, sha256 } from '../http/seal.ts'
import type { Settings } from '../settings.ts'

/**
 * One attempt to sign in, from the start route to the callback: everything that the callback has to
 * compare, in one place.
 */
export interface Flow {
  readonly provider: string
  readonly state: string
  readonly codeVerifier: string
  /** Sent to the token endpoint exactly as it was sent to the authorize endpoint. */
  readonly redirectUri: string
  /** Where to go when it has worked. */
  readonly returnTo: string
  /** Where it began, and where to go when it has not worked; `null` for the sign-in page. */
  readonly began: string | null
  /** What the page that opened a popup for this calls it; absent in a window of one's own. */
  readonly popup?: string
  /** Present if this flow replaces one that was used up. It is never replaced itself. */
  readonly restarted?: true
  /** Present if the provider was told whom to sign in, or how. Another flow would not be the same. */
  readonly hinted?: true
  readonly expiresAt: number
}

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

/** Ten minutes, in milliseconds. */
export const FLOW_LIFETIME: number = 10 * 60 * 1000

/** Flows that one browser may have under way; the oldest is dropped. */
const MOST_FLOWS = 5

/** How long the flow cookies of a browser may be in its `Cookie` header, in characters. */
const LONGEST_HEADER = 8 * 1024

/** How a flow is called behind the prefix: the beginning of its state's hash. */
const NAME_LENGTH = 10
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

  /**
   * Drops the browser's flows that have expired, then its oldest, until one more fits. A cookie that does
   * not open belongs to another application on this host. It stays, unless the header grows too long.
   * @param added The length of the cookie that will be set.
   * @param replaced The name of a cookie that is cleared already.
   */
  function makeRoom(
    request: FastifyRequest,
    reply: FastifyReply,
    added: number,
    replaced: string | null,
  ): void {
    const own: { name: string; length: number; expiresAt: number }[] = []
    const foreign: { name: string; length: number }[] = []
    for (const [name, value] of readCookies(request.raw.headers.cookie, site.cookies.flowPrefix)) {
      // A cookie with any other name is not a flow's, and clearing it could repeat an invalid name.
      if (!NAME.test(name.slice(site.cookies.flowPrefix.length)) || name === replaced) continue
      const length = lengthOf(name, value)
      const flow = read(name, value)
      if (flow === null) foreign.push({ name, length })
      else own.push({ name, length, expiresAt: flow.expiresAt })
    }

    let total = added
    // Browsers send older cookies first (RFC 6265bis section 5.8.3), which settles ties.
    const newestFirst = own.reverse().sort((a, b) => b.expiresAt - a.expiresAt)
    for (const [index, { name, length, expiresAt }] of newestFirst.entries()) {
      if (index >= MOST_FLOWS - 1 || expiresAt <= clock()) site.cookies.clear(reply, name)
      else total += length
    }
    for (const { length } of foreign) total += length
    for (const { name, length } of foreign) {
      if (total <= LONGEST_HEADER) break
      site.cookies.clear(reply, name)
      total -= length
    }
  }

  return {
    put(request, reply, flow, replaced) {
      const name = nameOf(flow.state)
      const value = seal(JSON.stringify(flow), name)
      const before = replaced === undefined ? null : nameOf(replaced)
      makeRoom(request, reply, lengthOf(name, value), before)
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

/** As a `Cookie` header has it: `name=value; `. */
function lengthOf(name: string, value: string): number {
  return name.length + value.length + 3
}
