import { type ErrorCode, paths } from '@latchkey/contract'
import {
  isUnder,
  sameOriginPath,
  withoutQuery,
  withQuery,
  withReturnTo,
} from '../http/return-to.ts'
import type { Settings } from '../settings.ts'
import type { Flow } from './flow-contents.ts'

/**
 * Where a flow leads, which is always a page of the application. A path is validated where it is used,
 * even if it comes from a sealed flow: sealing proves its origin, not that it is safe.
 */
export interface FlowTargets {
  /** The untrusted `return_to` of a request, made safe. */
  returnTo(untrusted: unknown): string
  /** The page that the click was made on, if it is one to come back to; else the sign-in page, `null`. */
  began(untrusted: unknown): string | null
  /** Where a flow leads that has worked. */
  afterSuccess(flow: Flow | null): string
  /** Where a flow leads that has failed: back to where it began, with `?auth_error=<code>`. */
  afterFailure(flow: Flow | null, code: ErrorCode): string
}

/** The longest way back, in characters. With the longest target it keeps five flows under 8 kB. */
const LONGEST_BEGAN = 256

export function createFlowTargets({ basePath, signInPath, site }: Settings): FlowTargets {
  function returnTo(untrusted: unknown): string {
    const path = sameOriginPath(untrusted, site.origin)
    return path === null || isUnder(basePath, path) ? '/' : path
  }

  function began(untrusted: unknown): string | null {
    const path = sameOriginPath(untrusted, site.origin)
    if (path === null || isUnder(basePath, path)) return null
    const page = withoutQuery(path, 'auth_error')
    return page.length > LONGEST_BEGAN ? null : page
  }

  /** A popup's last page, which tells the opener and closes itself; `null` if there is no popup. */
  function popupPageOf(flow: Flow | null, target: string): string | null {
    const popup = popupId(flow?.popup)
    return popup && withReturnTo(withQuery(paths(basePath).popup, { popup }), target)
  }

  return {
    returnTo,
    began,

    afterSuccess(flow) {
      const target = returnTo(flow?.returnTo)
      return popupPageOf(flow, target) ?? target
    },

    afterFailure(flow, code) {
      const target = returnTo(flow?.returnTo)
      const back =
        popupPageOf(flow, target) ?? began(flow?.began) ?? withReturnTo(signInPath, target)
      return withQuery(back, { auth_error: code })
    },
  }
}

/** Of letters that need no escaping anywhere, and short: it is kept in a cookie. */
export function popupId(untrusted: unknown): string | null {
  return typeof untrusted === 'string' && /^[\w-]{16,64}$/.test(untrusted) ? untrusted : null
}
