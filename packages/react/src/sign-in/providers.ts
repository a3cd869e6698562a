'use client'

import type { Mark, MarkPath, Provider, ProvidersBody } from '@latchkey/contract'
import { hasFields, isBoolean, isListOf, isString, isStringOrNull } from '../requests/answer.ts'
import { usePaths } from '../session/auth-context.ts'
import { type Remote, useRemote } from '../session/remote.ts'

/** The state of the server's offer: its providers, the one last used, and the parts of the account. */
export type ProvidersState = Remote<ProvidersBody>

/** Options of `useProviders()`. */
export interface UseProvidersOptions {
  /** Base path of the server's routes. Default: the `<AuthProvider>`'s, otherwise `/auth`. */
  readonly basePath?: string | undefined
  /** If `false`, no request is sent and the status stays `loading`. Default `true`. */
  readonly enabled?: boolean | undefined
}

/**
 * Requests the server's providers, for your own buttons. Works without an `<AuthProvider>`.
 *
 * @example
 * const offer = useProviders()
 * if (offer.status === 'ready') return offer.providers.map(({ id }) => <SignInButton key={id} provider={id} />)
 */
export function useProviders(options: UseProvidersOptions = {}): ProvidersState {
  const { providers } = usePaths(options.basePath)
  return useRemote(options.enabled === false ? null : providers, isProvidersBody)[0]
}

function isProvidersBody(body: unknown): body is ProvidersBody {
  return hasFields<ProvidersBody>(body, {
    providers: (list) => isListOf(list, isProvider),
    lastUsed: isStringOrNull,
    account: (parts) => isListOf(parts, isString),
  })
}

function isProvider(value: unknown): value is Provider {
  return hasFields<Provider>(value, {
    id: isString,
    name: isString,
    mark: isMark,
    signIn: isBoolean,
    signUp: isBoolean,
    link: isBoolean,
  })
}

function isMark(value: unknown): value is Mark {
  return hasFields<Mark>(value, {
    viewBox: isString,
    paths: (list) => isListOf(list, isMarkPath),
  })
}

function isMarkPath(value: unknown): value is MarkPath {
  return hasFields<MarkPath>(value, { d: isString })
}
