'use client'

import { type MouseEvent, useContext, useEffect, useRef } from 'react'
import { goTo, leavesThisPage } from '../browser/navigation.ts'
import { usePendingNavigation } from '../browser/pending-navigation.ts'
import { AuthContext } from '../session/auth-context.ts'
import { openPopup, type PopupResult } from './popup.ts'
import { type SignInUrlOptions, signInUrl } from './sign-in-url.ts'

export interface SignInOptions extends SignInUrlOptions {
  /**
   * Where the provider's pages are shown: in this window, or in a small one beside the page, which stays
   * as it is. A browser that opens no window goes there in this one. Default `redirect`.
   */
  readonly mode?: 'redirect' | 'popup' | undefined
  /** Called with its code when a sign-in in a popup has failed, and with `null` when one has worked. */
  readonly onResult?: ((error: string | null) => void) | undefined
  /** Where the server's routes are. Default: the `<AuthProvider>`'s, else `/auth`. */
  readonly basePath?: string | undefined
}

/** What a sign-in button is made of: give `href` and `onClick` to an `<a>`. */
export interface SignInAttempt {
  /** The address that starts the sign-in. */
  readonly href: string
  /** Whether the page is being left, or a popup is in front of it. */
  readonly pending: boolean
  /** Sees to `pending` and to the popup; the link does the rest. */
  readonly onClick: (event: MouseEvent<HTMLAnchorElement>) => void
}

/** A link that starts a sign-in at `provider`, for a button of your own. Needs no `<AuthProvider>`. */
export function useSignIn(provider: string, options: SignInOptions = {}): SignInAttempt {
  const { mode, onResult, returnTo, loginHint } = options
  const context = useContext(AuthContext)
  const basePath = options.basePath ?? context?.basePath
  const [pending, setPending] = usePendingNavigation()
  const stopListening = useRef<(() => void) | null>(null)
  // A popup reports long after the click, when the props may have changed.
  const latestFinish = useRef(finish)

  useEffect(() => {
    latestFinish.current = finish
  })
  useEffect(() => () => stopListening.current?.(), [])

  function finish({ error, returnTo: target }: PopupResult): void {
    setPending(false)
    onResult?.(error)
    // Under an <AuthProvider> the page shows who is signed in, so it can stay.
    const canStay = returnTo === undefined && context?.client
    if (error === null && !canStay) goTo(target)
  }

  function onClick(event: MouseEvent<HTMLAnchorElement>): void {
    if (event.defaultPrevented || !leavesThisPage(event)) return
    if (pending) {
      event.preventDefault()
      return
    }
    setPending(true)
    stopListening.current?.()
    stopListening.current = mode === 'popup' ? startPopup(event) : null
  }

  function startPopup(event: MouseEvent<HTMLAnchorElement>): (() => void) | null {
    const { href } = event.currentTarget
    const stop = openPopup(href, (result) => latestFinish.current(result))
    // If the browser opened no popup, the link navigates this window.
    if (stop) event.preventDefault()
    return stop
  }

  return { href: signInUrl(provider, { returnTo, loginHint, basePath }), pending, onClick }
}
