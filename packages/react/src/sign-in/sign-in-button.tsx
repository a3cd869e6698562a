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
  /** The provider's id on the server, such as `bitbucket`. */
  readonly provider: string
  /** The provider's display name. Default: the built-in name, otherwise the id. */
  readonly name?: string | undefined
  /** The provider's mark as path data, as returned by `GET /auth/providers`. Default: the built-in mark. */
  readonly mark?: Mark | undefined
  /** Your own icon instead of the mark. `null` renders no icon. */
  readonly icon?: ReactNode
  /**
   * `neutral` uses the page's colours, and `brand` uses the provider's. `icon` only shows the mark and keeps the text
   * for screen readers. Default `neutral`.
   */
  readonly variant?: 'neutral' | 'brand' | 'icon' | undefined
  /** Size of the button. Default `medium`. */
  readonly size?: 'small' | 'medium' | 'large' | undefined
  /** Renders your own link instead of the `<a>`, such as a component of your design system. Spread `props` onto it. */
  readonly render?:
    | ((
        props: ComponentPropsWithRef<'a'> & { readonly href: string },
        state: { readonly pending: boolean },
      ) => ReactElement | null)
    | undefined
  /** Label of the button. The default contains the provider's name, as in "Continue with Bitbucket". */
  readonly children?: ReactNode
}

/**
 * Renders a link to the provider that looks like a button. Works without an `<AuthProvider>`, JavaScript and
 * styles. Other props and the ref go to the `<a>`. `data-state` is `idle` or `pending`.
 *
 * @example
 * <SignInButton provider="bitbucket" returnTo="/inbox" />
 */
export const SignInButton: ForwardRefExoticComponent<
  SignInButtonProps & RefAttributes<HTMLAnchorElement>
> = forwardRef<HTMLAnchorElement, SignInButtonProps>(function SignInButton(props, ref) {
  const { provider, variant, size, render, className, onClick } = props
  const attempt = useSignIn(provider, props)
  const { href, pending } = attempt

  const link = {
    // Prefetchers skip nofollow links. The server returns to the referrer's page on failure.
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

/** Returns the props for the `<a>`, without the button's own props. */
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

/** The mark and the label. */
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
