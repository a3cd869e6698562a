'use client'

import type { Mark } from '@latchkey/contract'
import {
  type AnchorHTMLAttributes,
  type ForwardRefExoticComponent,
  forwardRef,
  type MouseEvent,
  type ReactNode,
  type RefAttributes,
  useContext,
} from 'react'
import { AuthContext } from './auth-provider.tsx'
import { builtIn, ProviderMark } from './marks.tsx'
import { usePendingNavigation } from './pending-navigation.ts'
import { type SignInUrlOptions, signInUrl } from './sign-in-url.ts'
import { continueWith, naming } from './texts.ts'

export interface SignInButtonProps
  extends Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'>,
    SignInUrlOptions {
  /** The provider's id, as the server knows it: `bitbucket`. */
  readonly provider: string
  /** The provider's name. Default: the built-in one, else the id. */
  readonly name?: string | undefined
  /** The provider's mark as path data, as `GET /auth/providers` gives it. Default: the built-in one. */
  readonly mark?: Mark | undefined
  /** A picture of your own instead of the mark; `null` for none. */
  readonly icon?: ReactNode
  /** Instead of "Continue with Bitbucket". */
  readonly children?: ReactNode
}

/**
 * A link to the provider that looks like a button. It needs no `<AuthProvider>`, no JavaScript and no
 * styles to work. Other props and the ref go to the `<a>`; `data-state` is `idle` or `pending`.
 */
export const SignInButton: ForwardRefExoticComponent<
  SignInButtonProps & RefAttributes<HTMLAnchorElement>
> = forwardRef<HTMLAnchorElement, SignInButtonProps>(function SignInButton(props, ref) {
  const { provider, returnTo, loginHint, basePath, name, mark, icon, ...rest } = props
  const { className = '', children, onClick, ...anchorProps } = rest
  const context = useContext(AuthContext)
  const [pending, begin] = usePendingNavigation()

  const known = builtIn[provider]
  const shownMark = mark ?? known?.mark
  const picture = icon === undefined && shownMark ? <ProviderMark mark={shownMark} /> : icon
  const text = context?.texts.continueWith ?? continueWith

  function handleClick(event: MouseEvent<HTMLAnchorElement>): void {
    onClick?.(event)
    if (event.defaultPrevented || !leavesThisPage(event)) return
    if (pending) event.preventDefault()
    else begin()
  }

  return (
    <a
      // Tells speculative loaders to keep off, and the server where to bring a failed sign-in back to.
      rel="nofollow"
      referrerPolicy="same-origin"
      {...anchorProps}
      ref={ref}
      href={signInUrl(provider, {
        returnTo,
        loginHint,
        basePath: basePath ?? context?.basePath,
      })}
      className={`latchkey-button ${className}`.trim()}
      data-provider={provider}
      data-state={pending ? 'pending' : 'idle'}
      aria-busy={pending || undefined}
      onClick={handleClick}
    >
      {picture && <span className="latchkey-button-mark">{picture}</span>}
      <span className="latchkey-button-label">
        {children ?? naming(text, name ?? known?.name ?? provider)}
      </span>
    </a>
  )
})

/** False for everything with which people open a new tab or window, or download. */
function leavesThisPage(event: MouseEvent<HTMLAnchorElement>): boolean {
  const { target } = event.currentTarget
  const modified = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey
  return event.button === 0 && !modified && (target === '' || target === '_self')
}
