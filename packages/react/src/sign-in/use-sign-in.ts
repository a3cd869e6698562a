'use client'

import { type MouseEvent, useContext, useEffect, useRef } from 'react'
import { goTo, leavesThisPage } from '../browser/navigation.ts'
import { usePendingNavigation } from '../browser/pending-navigation.ts'
import { AuthContext } from '../session/auth-context.ts'
import { openPopup, type PopupResult } from './popup.ts'
import { type SignInUrlOptions, signInUrl } from './sign-in-url.ts'

/** Options of `useSignIn()`. */
export interface SignInOptions extends SignInUrlOptions {
  /**
   * `popup` opens the provider's pages in a small window and keeps this page as it is. If the browser blocks the
   * popup, this window navigates instead. Default `redirect`.
   */
  readonly mode?: 'redirect' | 'popup' | undefined
  /** Called when a sign-in in a popup has finished. Receives the error code, or `null` if the sign-in succeeded. */
  readonly onResult?: ((error: string | null) => void) | undefined
  /** Base path of the server's routes. Default: the `<AuthProvider>`'s, otherwise `/auth`. */
  readonly basePath?: string | undefined
}

/** The result of `useSignIn()`. Pass `href` and `onClick` to an `<a>`. */
export interface SignInAttempt {
  /** URL that starts the sign-in. */
  readonly href: string
  /** Whether the browser is leaving the page, or a popup is in front of it. */
  readonly pending: boolean
  /** Updates `pending`. Opens the popup if `mode` is `popup`. Otherwise the browser follows the link. */
  readonly onClick: (event: MouseEvent<HTMLAnchorElement>) => void
}

/**
 * Returns the props of a link that starts a sign-in, for your own button. Works without an `<AuthProvider>`.
 *
 * @example
 * const { href, onClick, pending } = useSignIn('bitbucket', { returnTo: '/inbox' })
 * return <a href={href} onClick={onClick} aria-busy={pending}>Sign in</a>
 */
export function useSignIn(provider: string, options: SignInOptions = {}): SignInAttempt {
  const { mode, onResult, returnTo, loginHint } = options
  const context = useContext(AuthContext)
  const basePath = options.basePath ?? context?.basePath
  const [pending, setPending] = usePendingNavigation()
  const stopListening = useRef<(() => void) | null>(null)
  // A popup reports its result long after the click, when the props may have changed.
  const latestFinish = useRef(finish)

  useEffect(() => {
    latestFinish.current = finish
  })
  useEffect(() => () => stopListening.current?.(), [])

  function finish({ error, returnTo: target }: PopupResult): void {
    setPending(false)
    onResult?.(error)
    // Inside an <AuthProvider>, the page updates itself and can stay.
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
    // If the browser blocks the popup, the link navigates this window.
    if (stop) event.preventDefault()
    return stop
  }

  return { href: signInUrl(provider, { returnTo, loginHint, basePath }), pending, onClick }
}
