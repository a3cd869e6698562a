'use client'

import { useEffect, useState } from 'react'

/** What the server and the application have left in the page's query for the sign-in card. */
export interface Address {
  /** Code of the sign-in that failed. */
  readonly authError?: string
  /** Where the person was going; untrusted, only ever handed to the server. */
  readonly returnTo?: string
}

/**
 * Reads the address once the page has loaded (a server renders without), and takes `auth_error` out of
 * it, so that a reload or a bookmark does not show an old error.
 */
export function useAddress(): Address {
  const [address, setAddress] = useState<Address>({})

  useEffect(() => {
    const query = new URLSearchParams(location.search)
    const authError = query.get('auth_error')
    const returnTo = query.get('return_to')
    if (authError === null && returnTo === null) return
    // Merged, because strict mode runs this twice, and the second time the error is gone.
    setAddress((before) => ({
      ...before,
      ...(authError !== null && { authError }),
      ...(returnTo !== null && { returnTo }),
    }))
    removeFromAddressBar('auth_error')
  }, [])

  return address
}

/** Leaves everything else as it is written: other parameters, the fragment, the router's own state. */
export function removeFromAddressBar(parameter: 'auth_error'): void {
  if (!new URLSearchParams(location.search).has(parameter)) return
  const kept = location.search
    .slice(1)
    .split('&')
    .filter((pair) => pair !== parameter && !pair.startsWith(`${parameter}=`))
    .join('&')
  const search = kept && `?${kept}`
  history.replaceState(history.state, '', location.pathname + search + location.hash)
}
