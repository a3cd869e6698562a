'use client'

import { useEffect, useState } from 'react'

/** In milliseconds. A person who pressed Stop can click again after it. */
const LONGEST_NAVIGATION = 10_000

/**
 * Whether the page is being left, or a popup is in front of it. Ends when the person comes back to the
 * window, or to the same page out of the back/forward cache, and when the navigation had no effect.
 */
export function usePendingNavigation(): readonly [
  pending: boolean,
  setPending: (pending: boolean) => void,
] {
  const [pending, setPending] = useState(false)

  useEffect(() => {
    if (!pending) return
    const stop = new AbortController()
    const end = () => setPending(false)
    const timer = setTimeout(end, LONGEST_NAVIGATION)
    addEventListener('focus', end, stop)
    addEventListener('pageshow', ({ persisted }) => persisted && end(), stop)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [pending])

  return [pending, setPending]
}
