'use client'

import { useEffect, useState } from 'react'

/** In milliseconds. A person who pressed Stop can click again after it. */
const LONGEST_NAVIGATION = 10_000

/**
 * Whether the page is being left. Ends when Back shows the same page again (it comes out of the
 * back/forward cache just as it was left), or when nothing has come of the navigation.
 */
export function usePendingNavigation(): readonly [pending: boolean, begin: () => void] {
  const [pending, setPending] = useState(false)

  useEffect(() => {
    if (!pending) return
    const end = () => setPending(false)
    const onPageShow = (event: PageTransitionEvent) => event.persisted && end()
    const timer = setTimeout(end, LONGEST_NAVIGATION)
    window.addEventListener('pageshow', onPageShow)
    return () => {
      clearTimeout(timer)
      window.removeEventListener('pageshow', onPageShow)
    }
  }, [pending])

  return [pending, () => setPending(true)]
}
