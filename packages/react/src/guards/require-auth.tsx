'use client'

// Parts of a page that depend on the session. This room promises: content is not shown before the session is
// known, and users who are redirected to sign in return to the page that they requested.

import type { User } from '@latchkey/contract'
import { type ReactElement, type ReactNode, useEffect } from 'react'
import { leadsHere, thisPage } from '../browser/address.ts'
import { withReturnTo } from '../browser/return-to.ts'
import { AuthNotice, Place, Placeholder, useIsFailing } from '../looks/notices.tsx'
import { useAuth, usePaths, useTexts } from '../session/auth-context.ts'
import { useNotice } from '../session/use-notice.ts'

export interface RedirectToSignInProps {
  /** Path of your own page that renders `<SignIn>`, such as `/login`. Default: the server's sign-in page. */
  readonly signInPath?: string | undefined
  /** Path to return to after signing in. Default: this page. */
  readonly returnTo?: string | undefined
  /** Base path of the server's routes. Default: the `<AuthProvider>`'s, otherwise `/auth`. */
  readonly basePath?: string | undefined
}

/**
 * Returns the sign-in page's URL as `href`, and a function that redirects to it. The redirect replaces the
 * current page in the history, because Back would only redirect again.
 *
 * @example
 * const { redirect } = useRedirectToSignIn({ signInPath: '/login' })
 */
export function useRedirectToSignIn(options: RedirectToSignInProps = {}): {
  readonly href: string
  readonly redirect: () => void
} {
  const { signIn } = usePaths(options.basePath)
  const { signInPath = signIn, returnTo } = options
  return {
    href: withReturnTo(signInPath, returnTo),
    redirect() {
      const target = withReturnTo(signInPath, returnTo ?? thisPage())
      if (!leadsHere(target)) return location.replace(target)
      console.error(
        `<RequireAuth> would redirect ${signInPath} to itself. Move the sign-in page outside <RequireAuth> and <RedirectToSignIn>.`,
      )
    },
  }
}

/**
 * Redirects to the sign-in page, which returns to this page afterwards.
 *
 * @example
 * <SignedOut><RedirectToSignIn signInPath="/login" /></SignedOut>
 */
export function RedirectToSignIn(props: RedirectToSignInProps): ReactElement {
  const { redirect } = useRedirectToSignIn(props)
  // biome-ignore lint/correctness/useExhaustiveDependencies: a redirect leaves the page only once
  useEffect(redirect, [])
  return <LinkToSignIn {...props} />
}

/** A link for browsers without JavaScript, which cannot be redirected. */
function LinkToSignIn(props: RedirectToSignInProps): ReactElement {
  return (
    <noscript>
      <a className="latchkey-button" href={useRedirectToSignIn(props).href}>
        {useTexts().signIn}
      </a>
    </noscript>
  )
}

export interface RequireAuthProps extends RedirectToSignInProps {
  /** Rendered when the user is signed in. If it is a function, it receives the user. */
  readonly children?: ReactNode | ((user: User) => ReactNode)
  /** Shown while the session loads, and until the sign-in page opens. Default: a placeholder. */
  readonly fallback?: ReactNode
}

/**
 * Renders its children when signed in, and redirects to the sign-in page otherwise. Shows an error and a retry
 * button if the session cannot be loaded. It controls what is shown, not what is allowed: guard the data on the
 * server.
 *
 * @example
 * <RequireAuth signInPath="/login">{(user) => <p>Hello, {user.name}.</p>}</RequireAuth>
 */
export function RequireAuth(props: RequireAuthProps): ReactNode {
  const { children, fallback, ...redirect } = props
  const auth = useAuth()
  const notice = useNotice()
  const isFailing = useIsFailing(auth.status)
  switch (auth.status) {
    case 'signed-in':
      return typeof children === 'function' ? children(auth.user) : children
    case 'signed-out':
      return (
        <>
          {fallback === undefined ? <Placeholder /> : fallback}
          <RedirectToSignIn {...redirect} />
        </>
      )
  }
  const isShown = notice.isShown[auth.status]
  return (
    <>
      <Place of={notice} />
      {isFailing ? (
        <AuthNotice auth={auth} isShown={isShown} />
      ) : (
        <>
          {fallback === undefined ? isShown && <Placeholder /> : fallback}
          <LinkToSignIn {...redirect} />
        </>
      )}
    </>
  )
}
