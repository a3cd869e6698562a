'use client'

import { useEffect, useState } from 'react'

/** What the server and the application have left in the page's query for the sign-in card. */
export interface Address {
  /** Code of the sign-in that failed. */
  readonly authError?: string | undefined
  /** Where the person was going; untrusted, only ever handed to the server. */
  readonly returnTo?: string | undefined
}

/** Reads the address once the page has loaded; a server renders without. */
export function useAddress(): Address {
  const [address, setAddress] = useState<Address>({})

  useEffect(() => {
    setAddress({ authError: inQuery('auth_error'), returnTo: inQuery('return_to') })
  }, [])

  return address
}

/** A parameter of the page that the browser shows, if there is something in it. */
export function inQuery(name: string): string | undefined {
  return new URLSearchParams(location.search).get(name) || undefined
}

/** The page that the browser shows, as a target: without an error of an earlier sign-in, which has been told. */
export function thisPage(): string {
  return location.pathname + searchWithoutError() + location.hash
}

/** The page's query without `auth_error`; everything else stays as it is written. */
function searchWithoutError(): string {
  return location.search.replace(/(^\?|&)auth_error(=[^&]*)?(?![^&])/g, '').replace(/^&/, '?')
}

/**
 * For an error that has been shown, or is nothing to anybody: a reload or a bookmark does not show it again.
 * Leaves everything else as it is written: other parameters, the fragment, the router's own state. After
 * routers have begun to listen, so that they learn of it; Next.js takes no notice of a state with its own
 * mark (`__NA`).
 */
export function removeErrorFromAddressBar(): void {
  setTimeout(() => {
    if (searchWithoutError() === location.search) return
    const state = history.state && { ...history.state, __NA: undefined }
    history.replaceState(state, '', thisPage())
  })
}
