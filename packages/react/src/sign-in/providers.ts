'use client'

import type { ProvidersBody } from '@latchkey/contract'
import { like } from '../requests/request.ts'
import { usePaths } from '../session/auth-provider.tsx'
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

const MARK = { viewBox: '', paths: [{ d: '' }] }
const isProvidersBody = /* @__PURE__ */ like<ProvidersBody>({
  providers: [{ id: '', name: '', signIn: true, signUp: true, link: true, mark: MARK }],
  lastUsed: null,
  account: [''],
})
