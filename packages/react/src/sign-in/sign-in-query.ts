'use client'

import { useEffect, useState } from 'react'
import { inQuery } from '../browser/address.ts'

/** The parameters of the page's query that the server and the application set for the card. */
export interface SignInQuery {
  /** Code of the sign-in that failed. */
  readonly authError?: string | undefined
  /** Where the person was going. Untrusted: it is only ever sent to the server. */
  readonly returnTo?: string | undefined
}

/** Reads the query once the page has loaded. A server renders without it. */
export function useSignInQuery(): SignInQuery {
  const [query, setQuery] = useState<SignInQuery>({})

  useEffect(() => {
    setQuery({ authError: inQuery('auth_error'), returnTo: inQuery('return_to') })
  }, [])

  return query
}
