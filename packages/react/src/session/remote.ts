'use client'

import { useContext, useEffect, useState } from 'react'
import type { Check } from '../requests/answer.ts'
import { AuthError } from '../requests/auth-error.ts'
import { request } from '../requests/request.ts'
import { AuthContext } from './auth-context.ts'

/** The state of data that is requested from the server. */
export type Remote<T> =
  | { readonly status: 'loading' }
  | ({ readonly status: 'ready' } & T)
  | {
      readonly status: 'error'
      /** Why the request failed. Switch on its `code`. */
      readonly error: AuthError
      /** Sends the request again. */
      readonly retry: () => void
    }

/** Returns `request`. Inside an `<AuthProvider>`, it also updates the session's state after `unauthenticated`. */
export function useRequest(): typeof request {
  return useContext(AuthContext)?.client?.request ?? request
}

interface Known<T> {
  readonly question: string
  readonly remote: Remote<T>
}

/**
 * Requests `url`, unless it is `null`.
 *
 * @param isExpected validates the response, as for `request`
 * @param who the user's id. A change discards the response and requests another.
 * @returns the state, and a function that requests again. The old response stays until a new one arrives, even
 *   if the server does not respond.
 */
export function useRemote<T>(
  url: string | null,
  isExpected: Check<T>,
  who?: string,
): readonly [remote: Remote<T>, reload: () => void] {
  const ask = useRequest()
  const question = `${url} ${who}`
  const [known, setKnown] = useState<Known<T>>()
  const [turn, setTurn] = useState(0)
  const reload = () => setTurn((turn) => turn + 1)

  // biome-ignore lint/correctness/useExhaustiveDependencies: only a new URL, user or turn sends a request
  useEffect(() => {
    // A later request starts in the state `loading`.
    if (url === null) return setKnown(undefined)
    let isOutdated = false
    const update = (remote: Remote<T>) => isOutdated || setKnown({ question, remote })
    const fail = (failed: Remote<T>) =>
      isOutdated ||
      setKnown((known) => (isAnswerTo(question, known) ? known : { question, remote: failed }))
    const retry = () => {
      setKnown(undefined)
      reload()
    }
    ask('GET', url, isExpected)
      .then((body) => update({ ...body, status: 'ready' }))
      .catch((error) => {
        if (!(error instanceof AuthError)) throw error
        // The user sees a short message. Developers need the URL and the cause.
        if (!isOutdated) console.error(error)
        fail({ status: 'error', error, retry })
      })
    return () => {
      isOutdated = true
    }
  }, [question, turn])

  return [known?.question === question ? known.remote : { status: 'loading' }, reload]
}

function isAnswerTo<T>(question: string, known: Known<T> | undefined): boolean {
  return known?.question === question && known.remote.status === 'ready'
}
