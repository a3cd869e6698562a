'use client'

import { useContext, useEffect, useState } from 'react'
import type { Check } from '../requests/answer.ts'
import { AuthError } from '../requests/auth-error.ts'
import { request } from '../requests/request.ts'
import { AuthContext } from './auth-context.ts'

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

/** `request`, which under an `<AuthProvider>` also notices that the person was signed out. */
export function useRequest(): typeof request {
  return useContext(AuthContext)?.client?.request ?? request
}

interface Known<T> {
  readonly question: string
  readonly remote: Remote<T>
}

/**
 * Asks the server for `url`, unless that is `null`.
 *
 * @param isExpected checks the answer, as for `request`
 * @param who whose answer it is: another person's is asked for again
 * @returns the answer, and a function that asks again. The old answer stays until a new one arrives, also if
 *   the server does not respond.
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

  // biome-ignore lint/correctness/useExhaustiveDependencies: only another question or turn asks again
  useEffect(() => {
    // What is asked again later starts at loading.
    if (url === null) return setKnown(undefined)
    let isOutdated = false
    const learn = (remote: Remote<T>) => isOutdated || setKnown({ question, remote })
    const fail = (failed: Remote<T>) =>
      isOutdated ||
      setKnown((known) => (isAnswerTo(question, known) ? known : { question, remote: failed }))
    const retry = () => {
      setKnown(undefined)
      reload()
    }
    ask('GET', url, isExpected)
      .then((body) => learn({ ...body, status: 'ready' }))
      .catch((error) => {
        if (!(error instanceof AuthError)) throw error
        // The person sees a sentence. Developers need the address and the cause.
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
