'use client'

import type { SignOutScope } from '@latchkey/contract'
import { type FormEvent, useEffect, useState } from 'react'
import { usePendingNavigation } from '../browser/pending-navigation.ts'
import { toAscii } from '../browser/return-to.ts'
import { AuthError } from '../requests/auth-error.ts'
import { useOptionalAuth, usePaths } from '../session/auth-context.ts'

/** Options of `useSignOut()`. */
export interface UseSignOutOptions {
  /** Sessions to end: `local` (this one), `others` (all except this one) or `global` (all). Default `local`. */
  readonly scope?: SignOutScope | undefined
  /**
   * Path in your application to navigate to after signing out. Default: stays on the page, or `/` without JavaScript.
   */
  readonly returnTo?: string | undefined
  /**
   * Base path of the server's routes, used when the browser posts the form itself. Default: the `<AuthProvider>`'s,
   * otherwise `/auth`.
   */
  readonly basePath?: string | undefined
  /** Called after the server has ended the sessions, if the user stays on the page. */
  readonly onSignedOut?: (() => void) | undefined
}

/** The result of `useSignOut()`: a form for your own button. */
export interface SignOutForm {
  /**
   * `done`: the server has ended the sessions. `failed`: the server has not ended them, so the user is still signed
   * in.
   */
  readonly status: 'idle' | 'pending' | 'done' | 'failed'
  /** Props of the `<form>`. */
  readonly form: {
    readonly method: 'post'
    readonly action: string
    readonly onSubmit: (event: FormEvent) => Promise<void>
  }
  /** Names and values for the hidden `<input>` elements. */
  readonly fields: Readonly<Record<string, string>>
}

/**
 * Returns the props of a form that signs out, for your own button. The browser posts the form itself if there is
 * a `returnTo`, no JavaScript, or no `<AuthProvider>` above. The server decides whether it redirects to `returnTo`.
 *
 * @example
 * const { form, fields } = useSignOut({ scope: 'global' })
 */
export function useSignOut(options: UseSignOutOptions = {}): SignOutForm {
  const { scope = 'local', returnTo, onSignedOut } = options
  const auth = useOptionalAuth()
  const { signOut: action } = usePaths(options.basePath)
  const [leaving, setLeaving] = usePendingNavigation()
  const [attempt, setAttempt] = useState<SignOutForm['status']>('idle')
  const userId = auth?.status === 'signed-in' && auth.user.id
  const status = leaving ? 'pending' : attempt

  // biome-ignore lint/correctness/useExhaustiveDependencies: the result does not concern another user
  useEffect(() => setAttempt('idle'), [userId])

  async function onSubmit(event: FormEvent): Promise<void> {
    if (status === 'pending') return event.preventDefault()
    const staysOnPage = returnTo === undefined && auth?.status === 'signed-in'
    if (!staysOnPage) return setLeaving(true)
    event.preventDefault()
    setAttempt('pending')
    try {
      await auth.signOut({ scope })
    } catch (error) {
      if (!(error instanceof AuthError)) throw error
      return setAttempt(error.code === 'unauthenticated' ? 'idle' : 'failed')
    }
    setAttempt('done')
    onSignedOut?.()
  }

  return {
    status,
    form: { method: 'post', action, onSubmit },
    fields: returnTo === undefined ? { scope } : { scope, return_to: toAscii(returnTo) },
  }
}
