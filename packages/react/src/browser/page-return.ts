/**
 * Detects when the user returns to this page.
 *
 * @param onReturn called when the window gains focus or the tab becomes visible
 * @param onRestore called when the page is restored from the back/forward cache, with its old state
 * @returns a function that stops listening
 */
export function watchForReturn(onReturn: () => void, onRestore: () => void): () => void {
  const stop = new AbortController()
  addEventListener('focus', onReturn, stop)
  document.addEventListener('visibilitychange', onReturn, stop)
  addEventListener('pageshow', ({ persisted }) => persisted && onRestore(), stop)
  return () => stop.abort()
}
