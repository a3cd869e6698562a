'use client'

import type { SignOutScope } from '@latchkey/contract'
import { type FormEvent, useEffect, useState } from 'react'
import { usePendingNavigation } from '../browser/pending-navigation.ts'
import { toAscii } from '../browser/return-to.ts'
import { AuthError } from '../requests/auth-error.ts'
import { useOptionalAuth, usePaths } from '../session/auth-context.ts'

export interface UseSignOutOptions {
  /** Which sessions to end: this one, all of the person's but this one, or all. Default `local`. */
  readonly scope?: SignOutScope | undefined
  /**
   * Where to go after signing out: a path of your application. Default: stays on the page, or goes to
   * `/` without JavaScript.
   */
  readonly returnTo?: string | undefined
  /**
   * Where the server's routes are, for a form that the browser posts itself. Default: the
   * `<AuthProvider>`'s, else `/auth`.
   */
  readonly basePath?: string | undefined
  /** Called when the server has ended them, if the person stays on the page. */
  readonly onSignedOut?: (() => void) | undefined
}

/** A form that signs out, for a button of your own. */
export interface SignOutForm {
  /** `done`: the server has ended them. `failed`: it has not, and the person is still signed in. */
  readonly status: 'idle' | 'pending' | 'done' | 'failed'
  /** For the `<form>`. */
  readonly form: {
    readonly method: 'post'
    readonly action: string
    readonly onSubmit: (event: FormEvent) => Promise<void>
  }
  /** Names and values, for a hidden `<input>` each. */
  readonly fields: Readonly<Record<string, string>>
}

/**
 * What `<SignOutButton>` is made of. The browser posts the form itself if there is somewhere to go to
 * afterwards (the server decides whether a browser may be sent there), or no JavaScript, or no
 * `<AuthProvider>` above to tell.
 */
export function useSignOut(options: UseSignOutOptions = {}): SignOutForm {
  const { scope = 'local', returnTo, onSignedOut } = options
  const auth = useOptionalAuth()
  const { signOut: action } = usePaths(options.basePath)
  const [leaving, setLeaving] = usePendingNavigation()
  const [attempt, setAttempt] = useState<SignOutForm['status']>('idle')
  const userId = auth?.status === 'signed-in' && auth.user.id
  const status = leaving ? 'pending' : attempt

  // biome-ignore lint/correctness/useExhaustiveDependencies: the outcome does not concern another person
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
