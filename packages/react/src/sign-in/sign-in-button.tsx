'use client'

import type { Mark } from '@latchkey/contract'
import {
  type AnchorHTMLAttributes,
  type ComponentPropsWithRef,
  type ForwardRefExoticComponent,
  forwardRef,
  type MouseEvent,
  type ReactElement,
  type ReactNode,
  type RefAttributes,
  useContext,
} from 'react'
import { continueWith, fill } from '../locales/texts.ts'
import { classes } from '../looks/classes.ts'
import { knownProviders, ProviderMark } from '../looks/marks.tsx'
import { AuthContext } from '../session/auth-context.ts'
import { type SignInOptions, useSignIn } from './use-sign-in.ts'

export interface SignInButtonProps
  extends Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'>,
    SignInOptions {
  /** The provider's id, as the server knows it: `bitbucket`. */
  readonly provider: string
  /** The provider's name. Default: the built-in one, else the id. */
  readonly name?: string | undefined
  /** The provider's mark as path data, as `GET /auth/providers` gives it. Default: the built-in one. */
  readonly mark?: Mark | undefined
  /** A picture of your own instead of the mark; `null` for none. */
  readonly icon?: ReactNode
  /**
   * `neutral` has the colours of the page, `brand` those of the company, `icon` shows the mark alone and
   * keeps the words for screen readers. Default `neutral`.
   */
  readonly variant?: 'neutral' | 'brand' | 'icon' | undefined
  /** Default `medium`. */
  readonly size?: 'small' | 'medium' | 'large' | undefined
  /**
   * Renders another link instead of the `<a>`, such as one of your design system that looks like a button:
   * spread what it is given over it.
   */
  readonly render?:
    | ((
        props: ComponentPropsWithRef<'a'> & { readonly href: string },
        state: { readonly pending: boolean },
      ) => ReactElement | null)
    | undefined
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
  const { provider, variant, size, render, className, onClick } = props
  const attempt = useSignIn(provider, props)
  const { href, pending } = attempt

  const link = {
    // Prefetchers skip a nofollow link. The referrer tells the server which page to return to on failure.
    rel: 'nofollow',
    referrerPolicy: 'same-origin' as const,
    ...anchorPropsOf(props),
    ref,
    href,
    className: classes('latchkey-button', className),
    'aria-busy': pending || undefined,
    onClick(event: MouseEvent<HTMLAnchorElement>) {
      onClick?.(event)
      attempt.onClick(event)
    },
    children: <ButtonContent {...props} />,
    'data-provider': provider,
    'data-variant': variant,
    'data-size': size,
    'data-state': pending ? 'pending' : 'idle',
  }
  return render ? render(link, { pending }) : <a {...link} />
})

/** The props that are not the button's own. */
function anchorPropsOf(props: SignInButtonProps): AnchorHTMLAttributes<HTMLAnchorElement> {
  const {
    provider,
    mode,
    onResult,
    returnTo,
    loginHint,
    basePath,
    name,
    mark,
    icon,
    variant,
    size,
    render,
    ...anchorProps
  } = props
  return anchorProps
}

/** The mark, and words next to it. */
function ButtonContent({ provider, name, mark, icon, children }: SignInButtonProps): ReactElement {
  const texts = useContext(AuthContext)?.texts
  const known = knownProviders[provider]
  const shownMark = mark ?? known?.mark
  const picture = icon === undefined && shownMark ? <ProviderMark mark={shownMark} /> : icon
  const shownName = name ?? known?.name ?? provider
  return (
    <>
      {picture && <span className="latchkey-mark">{picture}</span>}
      <span className="latchkey-label">
        {children ?? fill(texts?.continueWith ?? continueWith, { provider: shownName })}
      </span>
    </>
  )
}
