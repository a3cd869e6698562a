/**
 * Listens for a person who comes back to this page.
 *
 * @param onReturn the window has the focus again, or the tab is shown again
 * @param onRestore the page comes out of the back/forward cache, exactly as it was left
 * @returns stops listening
 */
export function watchForReturn(onReturn: () => void, onRestore: () => void): () => void {
  const stop = new AbortController()
  addEventListener('focus', onReturn, stop)
  document.addEventListener('visibilitychange', onReturn, stop)
  addEventListener('pageshow', ({ persisted }) => persisted && onRestore(), stop)
  return () => stop.abort()
}
