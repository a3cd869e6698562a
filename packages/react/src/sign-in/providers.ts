'use client'

import type { Mark, MarkPath, Provider, ProvidersBody } from '@latchkey/contract'
import { hasFields, isBoolean, isListOf, isString, isStringOrNull } from '../requests/answer.ts'
import { usePaths } from '../session/auth-context.ts'
import { type Remote, useRemote } from '../session/remote.ts'

/** What the server offers, as far as it has answered. */
export type ProvidersState = Remote<ProvidersBody>

export interface UseProvidersOptions {
  /** Where the server's routes are. Default: the `<AuthProvider>`'s, else `/auth`. */
  readonly basePath?: string | undefined
  /** `false` asks nothing, and stays `loading`. Default `true`. */
  readonly enabled?: boolean | undefined
}

/** Asks the server which providers there are, for buttons of your own. */
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
