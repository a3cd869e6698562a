// The browser around the page: its address bar, its history, and how people leave and come back. This room
// promises: `goTo` never leaves the origin, nothing but `auth_error` is removed from an address, and a browser
// feature that is missing or blocked takes nothing else with it.

import { replaceAddress } from './optional.ts'

/** A parameter of the current page's query, if it has a value. */
export function inQuery(name: string): string | undefined {
  return new URLSearchParams(location.search).get(name) || undefined
}

/** The current page as a target to return to, without the error of an earlier sign-in. */
export function thisPage(): string {
  return location.pathname + searchWithoutError() + location.hash
}

/** The page's query without `auth_error`. Everything else stays as it is written. */
function searchWithoutError(): string {
  return location.search.replace(/(^\?|&)auth_error(=[^&]*)?(?![^&])/g, '').replace(/^&/, '?')
}

/**
 * Removes an error that was shown or no longer matters, so that a reload or a bookmark does not show it
 * again. Everything else stays: other parameters, the fragment, the router's own state.
 */
export function removeErrorFromAddressBar(): void {
  // After routers have begun to listen, so that they see the change.
  setTimeout(() => {
    if (searchWithoutError() !== location.search) replaceAddress(thisPage())
  })
}

/** Whether a navigation to `path` would lead to the current page again, whatever each returns to. */
export function leadsHere(path: string): boolean {
  const { origin, pathname, search, hash } = new URL(path, location.href)
  return origin === location.origin && samePage(pathname + search + hash) === samePage(thisPage())
}

/**
 * A path without its target, and without the trailing slash that some hosts add. A router may keep its own path and
 * query in the fragment.
 */
function samePage(path: string): string {
  return path.replace(/[?&]return_to=[^&#]*/, '').replace(/\/+(?=[?#]|$)/, '')
}

/** Logs that this page is at an address that belongs to the server's routes, and the usual cause. */
export function warnIfServerPath(basePath: string): void {
  const base = `${basePath.replace(/\/+$/, '')}/`
  if (base === '/' || !location.pathname.startsWith(base)) return
  console.warn(
    `This page is at ${location.pathname}, which belongs to Latchkey's routes. A service worker or proxy probably serves the app there. Exclude ${base} from it, for example with navigateFallbackDenylist of Workbox.`,
  )
}
