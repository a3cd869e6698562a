'use client'

import { useEffect, useState } from 'react'
import { inQuery } from '../browser/address.ts'

/** The parameters of the page's query that the card uses. */
export interface SignInQuery {
  /** Code of the failed sign-in. */
  readonly authError?: string | undefined
  /** The path that the user requested. Untrusted, so it is only ever sent to the server. */
  readonly returnTo?: string | undefined
}

/** Reads the query after hydration. Server rendering does not use it. */
export function useSignInQuery(): SignInQuery {
  const [query, setQuery] = useState<SignInQuery>({})

  useEffect(() => {
    setQuery({ authError: inQuery('auth_error'), returnTo: inQuery('return_to') })
  }, [])

  return query
}
