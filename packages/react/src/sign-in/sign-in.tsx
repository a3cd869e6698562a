'use client'

// Signing in, from the button to the provider's page. This room promises: signing in works without JavaScript,
// without an `<AuthProvider>` and without styles, and a failed sign-in shows why it failed.

import {
  type ComponentPropsWithoutRef,
  type ForwardRefExoticComponent,
  forwardRef,
  type HTMLAttributes,
  type ReactElement,
  type ReactNode,
  type RefAttributes,
} from 'react'
import { type TextOverrides, withOverrides } from '../locales/texts.ts'
import { useOptionalAuth, usePaths, useTexts } from '../session/auth-context.ts'
import type { SignInButtonProps } from './sign-in-button.tsx'
import { SignInCard } from './sign-in-card.tsx'
import { SignInDialog } from './sign-in-dialog.tsx'
import { useSignInQuery } from './sign-in-query.ts'

export interface SignInProps extends Omit<HTMLAttributes<HTMLElement>, 'title' | 'children'> {
  /** Heading. Default "Sign in", or "Create your account" with `purpose="sign-up"`. */
  readonly title?: ReactNode
  /** Your logo, above the title. */
  readonly logo?: ReactNode
  /** Text below the title, such as why users should sign in. */
  readonly description?: ReactNode
  /** Content below the buttons, such as your terms or a link to the other `purpose`. */
  readonly footer?: ReactNode
  /** `sign-up` changes the title and hides providers that do not accept new users. Default `sign-in`. */
  readonly purpose?: 'sign-in' | 'sign-up' | undefined
  /**
   * `modal` renders a button that opens the card in a dialog. Without JavaScript, the button leads to the server's
   * sign-in page. Default `page`.
   */
  readonly display?: 'page' | 'modal' | undefined
  /**
   * Label of the button that `display="modal"` renders, or a function that renders your own link. Spread the
   * function's argument over the link. The default label is the default `title`.
   */
  readonly trigger?:
    | ReactNode
    | ((props: ComponentPropsWithoutRef<'a'> & { readonly href: string }) => ReactElement)
  /** Passed to the card's `<SignInButton>` elements. */
  readonly mode?: SignInButtonProps['mode']
  /** Passed to the card's `<SignInButton>` elements. Default `neutral`. */
  readonly variant?: 'neutral' | 'brand' | undefined
  /**
   * Ids of the providers to show, in this order, for pages that must work without JavaScript. Default: requests the
   * providers from the server, which also returns the provider that was last used.
   */
  readonly providers?: readonly string[] | undefined
  /**
   * Path to return to after signing in. Default: `return_to` in the page's query, otherwise `/`, or this page if the
   * card is in a dialog.
   */
  readonly returnTo?: string | undefined
  /** Base path of the server's routes. Default: the `<AuthProvider>`'s, otherwise `/auth`. */
  readonly basePath?: string | undefined
  /** Code of a failed sign-in, for server rendering. Default: `auth_error` in the page's query. */
  readonly authError?: string | undefined
  /** Your own versions of some texts. */
  readonly texts?: TextOverrides | undefined
}

/**
 * Renders the sign-in card: a button per provider and the last error, or the signed-in user. Works without an
 * `<AuthProvider>`. Other props and the ref go to the `<section>`.
 *
 * @example
 * <SignIn title="Sign in to Example" />
 */
export const SignIn: ForwardRefExoticComponent<SignInProps & RefAttributes<HTMLElement>> =
  forwardRef<HTMLElement, SignInProps>(function SignIn(props, ref) {
    const { display, trigger, purpose, texts, ...cardProps } = props
    const query = useSignInQuery()
    const card = {
      ...cardProps,
      sectionRef: ref,
      purpose: purpose === 'sign-up' ? ('signUp' as const) : ('signIn' as const),
      texts: withOverrides(useTexts(), texts),
      signInPath: usePaths(props.basePath).signIn,
      query,
      auth: useOptionalAuth(),
    }
    return display === 'modal' ? (
      <SignInDialog {...card} trigger={trigger} />
    ) : (
      <SignInCard {...card} returnTo={props.returnTo ?? query.returnTo} />
    )
  })
