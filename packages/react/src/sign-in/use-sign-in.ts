'use client'

import { type MouseEvent, useContext, useEffect, useRef } from 'react'
import { usePendingNavigation } from '../browser/pending-navigation.ts'
import { AuthContext } from '../session/auth-provider.tsx'
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
  const [pending, setPending] = usePendingNavigation()
  const stop = useRef<(() => void) | null>(null)
  const latest = useRef(settle)
  const basePath = options.basePath ?? context?.basePath

  useEffect(() => {
    latest.current = settle
  })
  useEffect(() => () => stop.current?.(), [])

  function settle({ error, returnTo: target }: PopupResult): void {
    setPending(false)
    onResult?.(error)
    // The page knows by itself who is signed in, if it has an <AuthProvider>.
    if (error === null && (returnTo !== undefined || !context?.client)) goTo(target)
  }

  function onClick(event: MouseEvent<HTMLAnchorElement>): void {
    if (event.defaultPrevented || !leavesThisPage(event)) return
    if (!pending) {
      stop.current?.()
      stop.current =
        mode === 'popup'
          ? openPopup(event.currentTarget.href, (result) => latest.current(result))
          : null
    }
    if (pending || stop.current) event.preventDefault()
    setPending(true)
  }

  return { href: signInUrl(provider, { returnTo, loginHint, basePath }), pending, onClick }
}

/** Nowhere but on this origin, whoever it was that said so. */
function goTo(path: unknown): void {
  if (new URL(`${path}`, origin).origin === origin) location.assign(`${path}`)
}

/** False for everything with which people open a new tab or window, or download. */
export function leavesThisPage(event: MouseEvent<HTMLAnchorElement>): boolean {
  const { target } = event.currentTarget
  const modified = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey
  return event.button === 0 && !modified && (target === '' || target === '_self')
}
