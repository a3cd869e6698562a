'use client'

import { useContext, useEffect, useState } from 'react'
import { AuthError } from '../requests/auth-error.ts'
import { type Guard, request } from '../requests/request.ts'
import { AuthContext } from './auth-provider.tsx'

/** What the server holds, as far as it has answered. */
export type Remote<T> =
  | { readonly status: 'loading' }
  | ({ readonly status: 'ready' } & T)
  | {
      readonly status: 'error'
      /** Why there is no answer: switch on its `code`. */
      readonly error: AuthError
      /** Asks again. */
      readonly retry: () => void
    }

/** As `request`; under an `<AuthProvider>` as `SessionClient` has it. */
export function useRequest(): typeof request {
  return useContext(AuthContext)?.client?.request ?? request
}

/**
 * Asks the server for `url`, unless that is `null`.
 *
 * @param is knows the answer, as for `request`
 * @param who whose answer it is: for another person it is asked for anew
 * @returns what is known, and what asks again while that stays on the page
 */
export function useRemote<T>(
  url: string | null,
  is: Guard<T>,
  who?: string,
): readonly [remote: Remote<T>, reload: () => void] {
  const ask = useRequest()
  const [known, setKnown] = useState<{ readonly of: string; readonly remote: Remote<T> }>()
  const of = `${url} ${who}`
  const [turn, setTurn] = useState(0)
  const reload = () => setTurn((turn) => turn + 1)

  // biome-ignore lint/correctness/useExhaustiveDependencies: asked anew for another address or turn only
  useEffect(() => {
    if (url === null) return
    let left = false
    const learn = (remote: Remote<T>) => left || setKnown({ of, remote })
    const retry = () => {
      setKnown(undefined)
      reload()
    }
    ask('GET', url, is)
      .then((body) => learn({ ...body, status: 'ready' }))
      .catch((error) => {
        if (!(error instanceof AuthError)) throw error
        // The person is shown a sentence; whoever builds the page needs the address and the cause.
        if (!left) console.error(error)
        learn({ status: 'error', error, retry })
      })
    return () => {
      left = true
    }
  }, [of, turn])

  return [known?.of === of ? known.remote : { status: 'loading' }, reload]
}
