'use client'

// Everything from the wish to sign in to the provider's page. This room promises: signing in works without
// JavaScript, without an `<AuthProvider>` and without styles, and a failed sign-in says what went wrong.

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
  /** Default "Sign in", or "Create your account" with `purpose="sign-up"`. */
  readonly title?: ReactNode
  /** Above the title: your logo. */
  readonly logo?: ReactNode
  /** Below the title: what the person signs in for. */
  readonly description?: ReactNode
  /** Below the buttons: the terms, say, or a link to the page for the other `purpose`. */
  readonly footer?: ReactNode
  /** Whom the card speaks to. `sign-up` shows only providers that new people may come through. Default `sign-in`. */
  readonly purpose?: 'sign-in' | 'sign-up' | undefined
  /**
   * `modal` renders a button, and the card in a dialog over the page once it is pressed. Without
   * JavaScript the button leads to the server's own sign-in page. Default `page`.
   */
  readonly display?: 'page' | 'modal' | undefined
  /**
   * What is on the button of `display="modal"`, or what renders another link that opens the dialog: spread
   * what it is given over it. Default as of `title`.
   */
  readonly trigger?:
    | ReactNode
    | ((props: ComponentPropsWithoutRef<'a'> & { readonly href: string }) => ReactElement)
  /** As of `<SignInButton>`, which the card has one of for each provider. */
  readonly mode?: SignInButtonProps['mode']
  /** As of `<SignInButton>`. */
  readonly variant?: 'neutral' | 'brand' | undefined
  /**
   * Ids of the providers to show, in this order, for pages that must work without JavaScript. Default:
   * asks the server, which also knows the one last used.
   */
  readonly providers?: readonly string[] | undefined
  /**
   * Where to go after signing in. Default: `return_to` in the page's query, else `/`, or the page that the
   * dialog is over.
   */
  readonly returnTo?: string | undefined
  /** Where the server's routes are. Default: the `<AuthProvider>`'s, else `/auth`. */
  readonly basePath?: string | undefined
  /** Code of a failed sign-in, for server rendering. Default: `auth_error` in the page's query. */
  readonly authError?: string | undefined
  /** Other words for some of the texts. */
  readonly texts?: TextOverrides | undefined
}

/**
 * The card: a button per provider, what went wrong last time, or who is signed in. It works without an
 * `<AuthProvider>`. Other props and the ref go to the `<section>`.
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
