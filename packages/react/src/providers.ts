'use client'

import { type Mark, type Provider, type ProvidersBody, paths } from '@latchkey/contract'
import { useEffect, useState } from 'react'
import { AuthError, type AuthErrorCode } from './auth-error.ts'
import { builtIn } from './marks.tsx'
import { badAnswer, isObject, request } from './request.ts'

/** What a button shows. */
export interface OfferedProvider {
  readonly id: string
  readonly name: string
  /** Absent: the built-in one, or none. */
  readonly mark?: Mark
}

/** What the server offers, as far as it has answered. */
export type ProvidersState =
  | { readonly status: 'loading' }
  | {
      readonly status: 'ready'
      readonly providers: readonly OfferedProvider[]
      /** As in `ProvidersBody`. */
      readonly lastUsed: string | null
    }
  | { readonly status: 'error'; readonly code: AuthErrorCode }

/** The same for ids that the application names, without asking anybody. */
export function namedProviders(ids: readonly string[]): ProvidersState {
  const providers = ids.map((id) => ({ id, name: builtIn[id]?.name ?? id }))
  return { status: 'ready', providers, lastUsed: null }
}

/** Asks the server which providers a person can use, once that is wanted, and again after `retry()`. */
export function useProviders(
  basePath: string,
  wanted: boolean,
): readonly [ProvidersState, retry: () => void] {
  const [state, setState] = useState<ProvidersState>({ status: 'loading' })

  useEffect(() => {
    if (!wanted || state.status !== 'loading') return
    let unmounted = false
    void askForProviders(basePath).then((next) => {
      if (!unmounted) setState(next)
    })
    return () => {
      unmounted = true
    }
  }, [wanted, state.status, basePath])

  return [state, () => setState({ status: 'loading' })]
}

async function askForProviders(basePath: string): Promise<ProvidersState> {
  const url = paths(basePath).providers
  try {
    const body = await request('GET', url)
    if (!isProvidersBody(body)) throw badAnswer('GET', url, 'no providers in it')
    const providers = body.providers.filter(({ signIn, signUp }) => signIn || signUp)
    return { status: 'ready', providers, lastUsed: body.lastUsed }
  } catch (error) {
    if (!(error instanceof AuthError)) throw error
    // The person is shown a sentence; whoever builds the page needs the address and the cause.
    console.error(error)
    return { status: 'error', code: error.code }
  }
}

function isProvidersBody(value: unknown): value is ProvidersBody {
  return (
    isObject(value) &&
    (value.lastUsed === null || typeof value.lastUsed === 'string') &&
    Array.isArray(value.providers) &&
    value.providers.every(isProvider)
  )
}

function isProvider(value: unknown): value is Provider {
  return (
    isObject(value) &&
    typeof value.id === 'string' &&
    typeof value.name === 'string' &&
    typeof value.signIn === 'boolean' &&
    typeof value.signUp === 'boolean' &&
    isObject(value.mark) &&
    typeof value.mark.viewBox === 'string' &&
    Array.isArray(value.mark.paths) &&
    value.mark.paths.every(
      (path) =>
        isObject(path) &&
        typeof path.d === 'string' &&
        (path.fill === undefined || typeof path.fill === 'string'),
    )
  )
}
