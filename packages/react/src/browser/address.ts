// The browser around the page: address bar, history, and navigation. This room promises: `goTo` never leaves the
// origin, only `auth_error` is removed from an address, and a missing or blocked browser feature does not break
// anything else.

import { replaceAddress } from './optional.ts'

/** Returns a parameter of the page's query, or `undefined` if it is missing or empty. */
export function inQuery(name: string): string | undefined {
  return new URLSearchParams(location.search).get(name) || undefined
}

/** Returns the path of the current page, without the error of an earlier sign-in. */
export function thisPage(): string {
  return location.pathname + searchWithoutError() + location.hash
}

/** Returns the page's query without `auth_error`. The rest is kept verbatim. */
function searchWithoutError(): string {
  return location.search.replace(/(^\?|&)auth_error(=[^&]*)?(?![^&])/g, '').replace(/^&/, '?')
}

/**
 * Removes `auth_error` from the address bar, so that a reload or a bookmark does not show the error again. Other
 * parameters, the fragment and the router's state are kept.
 */
export function removeErrorFromAddressBar(): void {
  // Wait until routers have subscribed, so that they notice the change.
  setTimeout(() => {
    if (searchWithoutError() !== location.search) replaceAddress(thisPage())
  })
}

/** Whether `path` is the current page, regardless of `return_to`. */
export function leadsHere(path: string): boolean {
  const { origin, pathname, search, hash } = new URL(path, location.href)
  return origin === location.origin && samePage(pathname + search + hash) === samePage(thisPage())
}

/**
 * Returns a path without `return_to` and without the trailing slash that some hosts add. This includes the
 * fragment, where hash routers keep their own path and query.
 */
function samePage(path: string): string {
  return path.replace(/[?&]return_to=[^&#]*/, '').replace(/\/+(?=[?#]|$)/, '')
}

/** Logs a warning, with the usual cause, if this page's path belongs to the server's routes. */
export function warnIfServerPath(basePath: string): void {
  const base = `${basePath.replace(/\/+$/, '')}/`
  if (base === '/' || !location.pathname.startsWith(base)) return
  console.warn(
    `This page is at ${location.pathname}, which belongs to Latchkey's routes. A service worker or proxy probably serves the app there. Exclude ${base} from it, for example with Workbox's navigateFallbackDenylist.`,
  )
}
