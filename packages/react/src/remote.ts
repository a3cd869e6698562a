'use client'

import { useContext, useEffect, useState } from 'react'
import { AuthError } from './auth-error.ts'
import { AuthContext } from './auth-provider.tsx'
import { badAnswer, isLike, request } from './request.ts'

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

/** As `request`; a person who turns out to be signed out is shown as such everywhere. */
export function useRequest(): typeof request {
  const client = useContext(AuthContext)?.client
  return async (...parameters) => {
    try {
      return await request(...parameters)
    } catch (error) {
      if (error instanceof AuthError && error.code === 'unauthenticated') void client?.refresh()
      throw error
    }
  }
}

/**
 * Asks the server for `url`, unless that is `null`.
 *
 * @param example what the answer is like, as for `isLike`
 * @param who whose answer it is: for another person it is asked for anew
 * @returns what is known, and what asks again while that stays on the page
 */
export function useRemote<T>(
  url: string | null,
  example: unknown,
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
    ask('GET', url)
      .then((body) => {
        if (!isLike<T>(body, example)) throw badAnswer('GET', url, 'something else in it')
        learn({ status: 'ready', ...body })
      })
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
