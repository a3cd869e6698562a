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
 * Decides where a flow redirects, which is always a page of the application. Every path is validated again
 * before the redirect, even from a sealed flow: sealing proves origin, not safety.
 */
export interface FlowTargets {
  /**
   * Returns a safe path for an untrusted `return_to`.
   * @param log In development, gets a warning if the target is shortened or replaced by `/`.
   */
  returnTo(untrusted: unknown, log?: FastifyBaseLogger): string
  /** Returns the page on which the user clicked, or `null` if it cannot be a target after a failure. */
  began(untrusted: unknown): string | null
  /** Returns the target after a successful flow. */
  afterSuccess(flow: Flow | null): string
  /** Returns the target after a failed flow: the page on which it began, with `?auth_error=<code>`. */
  afterFailure(flow: Flow | null, code: ErrorCode): string
}

/** The maximum length of `began`, in characters. With the longest target, it fits into one cookie. */
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

  /** Returns the last page of a popup, which notifies its opener and closes itself. `null` without a popup. */
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

/** Returns the warning for a changed target. Omits the target, because it may contain a secret. */
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

/** Returns the id if it is short enough for a cookie and needs no escaping anywhere, or `null`. */
export function popupId(untrusted: unknown): string | null {
  return typeof untrusted === 'string' && /^[\w-]{16,64}$/.test(untrusted) ? untrusted : null
}
