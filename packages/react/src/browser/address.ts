// The browser around the page: its address bar, its history, and how people leave and come back. This room
// promises: `goTo` never leaves the origin, and nothing but `auth_error` is removed from an address.

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
    if (searchWithoutError() === location.search) return
    // Next.js ignores a change whose state has its own mark, `__NA`.
    const state = history.state && { ...history.state, __NA: undefined }
    history.replaceState(state, '', thisPage())
  })
}
