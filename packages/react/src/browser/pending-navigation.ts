'use client'

import { useEffect, useState } from 'react'

/** In milliseconds. After this time, a user who pressed Stop can click again. */
const LONGEST_NAVIGATION = 10_000

/**
 * Whether the browser is leaving the page, or a popup is in front of it. Resets when the user returns to the
 * window or restores the page from the back/forward cache, and when the navigation had no effect.
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
