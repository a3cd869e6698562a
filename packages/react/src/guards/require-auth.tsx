'use client'

// Parts of a page that depend on who is signed in. This room promises: nothing is shown before it is known
// who is signed in, and people who are sent to sign in come back to the page that they wanted.

import type { User } from '@latchkey/contract'
import { type ReactElement, type ReactNode, useEffect } from 'react'
import { leadsHere, thisPage } from '../browser/address.ts'
import { withReturnTo } from '../browser/return-to.ts'
import { AuthNotice, Place, Placeholder, useIsFailing } from '../looks/notices.tsx'
import { useAuth, usePaths, useTexts } from '../session/auth-context.ts'
import { useNotice } from '../session/use-notice.ts'

export interface RedirectToSignInProps {
  /** Your own page with a `<SignIn>`, such as `/login`. Default: the server's. */
  readonly signInPath?: string | undefined
  /** Where to go after signing in. Default: this page. */
  readonly returnTo?: string | undefined
  /** Where the server's routes are. Default: the `<AuthProvider>`'s, else `/auth`. */
  readonly basePath?: string | undefined
}

/**
 * The address of the page where people sign in, and what goes there. The page that is left cannot be gone
 * back to: it would only lead there again.
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

/** Sends the browser to where people sign in, and back to this page afterwards. */
export function RedirectToSignIn(props: RedirectToSignInProps): ReactElement {
  const { redirect } = useRedirectToSignIn(props)
  // biome-ignore lint/correctness/useExhaustiveDependencies: a redirect leaves the page only once
  useEffect(redirect, [])
  return <LinkToSignIn {...props} />
}

/** For a browser without JavaScript, which is not redirected. */
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
  /** Rendered for a signed-in person; a function is given who it is. */
  readonly children?: ReactNode | ((user: User) => ReactNode)
  /** Shown while it is not known who is signed in, and until the sign-in page opens. Default: a placeholder. */
  readonly fallback?: ReactNode
}

/**
 * Renders its children for a signed-in person and sends everybody else to sign in. If the server cannot
 * say who it is, the person is told so. It decides what is shown, not what is allowed: guard the data on
 * the server.
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
