import { type ErrorCode, paths } from '@latchkey/contract'
import type { FastifyBaseLogger } from 'fastify'
import { withReference } from '../http/codes.ts'
import {
  isUnder,
  keptPart,
  longestReturnTo,
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
  /**
   * The untrusted `return_to` of a request, made safe.
   * @param log Where development warns of a target that is shortened or replaced by `/`.
   */
  returnTo(untrusted: unknown, log?: FastifyBaseLogger): string
  /** The page that the click was made on, if it is one to come back to; else the sign-in page, `null`. */
  began(untrusted: unknown): string | null
  /** Where a flow leads that has worked. */
  afterSuccess(flow: Flow | null): string
  /** Where a flow leads that has failed: back to where it began, with `?auth_error=<code>`. */
  afterFailure(flow: Flow | null, code: ErrorCode): string
}

/** The longest way back, in characters. With the longest target it fits into one cookie. */
const LONGEST_BEGAN = 256

export function createFlowTargets(settings: Settings): FlowTargets {
  const { basePath, development, signInPath, site } = settings

  function returnTo(untrusted: unknown, log?: FastifyBaseLogger): string {
    const path = sameOriginPath(untrusted, site.origin)
    const kept = path === null || isUnder(basePath, path) ? null : keptPart(path)
    const isGiven = typeof untrusted === 'string' && untrusted !== ''
    if (development && isGiven && (kept === null || kept !== path)) {
      log?.warn(withReference(whyChanged(path, kept, settings), 'return_to_changed'))
    }
    return kept ?? '/'
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

/** Returns the sentence that says why a target is not kept, without the target: it may hold a secret. */
function whyChanged(
  path: string | null,
  kept: string | null,
  { basePath, site }: Settings,
): string {
  if (path !== null && path.length > longestReturnTo) {
    const rest = kept === null ? '`/`' : 'its path, without query and fragment'
    return `Latchkey: \`return_to\` is ${path.length} characters long; the limit is ${longestReturnTo}. The browser returns to ${rest}. Shorten the URL of that page.`
  }
  return `Latchkey: \`return_to\` is not a page of ${site.origin}, or is below ${basePath}. The browser returns to \`/\`. Use a path of your application, such as /reports.`
}

/** Of letters that need no escaping anywhere, and short: it is kept in a cookie. */
export function popupId(untrusted: unknown): string | null {
  return typeof untrusted === 'string' && /^[\w-]{16,64}$/.test(untrusted) ? untrusted : null
}
