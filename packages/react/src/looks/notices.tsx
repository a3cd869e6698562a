'use client'

import { type ReactElement, type ReactNode, useEffect, useState } from 'react'
import { useAuth, useTexts } from '../session/auth-context.ts'
import type { AuthState } from '../session/auth-state.ts'
import type { Remote } from '../session/remote.ts'
import { useNotice, useStandIn } from '../session/use-notice.ts'

/** In milliseconds. A page that stays empty for longer seems broken. */
const UNNOTICED = 300

interface AlertProps {
  /** The error's code, for styles. */
  readonly code: string
  readonly children: ReactNode
}

/** An error message, which screen readers announce. */
export function Alert({ code, children }: AlertProps): ReactElement {
  return (
    <p role="alert" className="latchkey-alert" data-code={code}>
      {children}
    </p>
  )
}

/** Fills the place of content that is loading. */
export function Placeholder(): ReactElement {
  return (
    <p role="status" className="latchkey-placeholder">
      <span className="latchkey-hidden">{useTexts().loading}</span>
    </p>
  )
}

export interface UnreadyProps {
  readonly state: Exclude<Remote<unknown>, { readonly status: 'ready' }>
}

/**
 * Replaces content that the server has not sent: a placeholder while it loads, or an error and a button to
 * try again. Needs an ancestor with a `tabIndex`.
 */
export function Unready({ state }: UnreadyProps): ReactElement {
  const { loadingFailed } = useTexts()
  if (state.status === 'loading') return <Placeholder />
  const { error, retry } = state
  return (
    <>
      <Alert code={error.code}>{loadingFailed}</Alert>
      <RetryButton retry={retry} />
    </>
  )
}

interface RetryButtonProps {
  readonly retry: () => void
  readonly size?: 'small'
}

/** Tries again. Needs an ancestor with a `tabIndex`. */
function RetryButton({ retry, size }: RetryButtonProps): ReactElement {
  return (
    <button
      type="button"
      className="latchkey-button"
      data-size={size}
      onClick={({ currentTarget }) => {
        // This button has the focus and is about to disappear.
        currentTarget.closest<HTMLElement>('[tabindex]')?.focus()
        retry()
      }}
    >
      {useTexts().tryAgain}
    </button>
  )
}

/** An `AuthState` without an answer of the server. */
type UnknownAuth = Extract<AuthState, { status: 'loading' | 'error' }>

interface AuthNoticeProps {
  readonly auth: UnknownAuth
}

/** Says that it is not known who is signed in: a placeholder while the server is asked, or an error and a button. */
export function AuthNotice({ auth }: AuthNoticeProps): ReactElement {
  const { authFailed } = useTexts()
  return (
    <div className="latchkey-notice" tabIndex={-1}>
      {auth.status === 'loading' ? (
        <Placeholder />
      ) : (
        <>
          <Alert code={auth.error.code}>{authFailed}</Alert>
          <RetryButton retry={auth.retry} size="small" />
        </>
      )}
    </div>
  )
}

/** Shows its children while it is not known who is signed in, and no stand-in of the page. */
export function Notice({ children }: { readonly children: ReactNode }): ReactNode {
  useNotice()
  return children
}

/**
 * What a component renders that has nothing to show unless somebody is signed in, or unless nobody is. While
 * that is not known, one such component of the page says so, unless another component does.
 */
export function StandIn(): ReactElement | null {
  const auth = useAuth()
  const isUnknown = auth.status === 'loading' || auth.status === 'error'
  return isUnknown ? <OneOfTheStandIns auth={auth} /> : null
}

function OneOfTheStandIns({ auth }: AuthNoticeProps): ReactElement | null {
  const isShown = useStandIn()
  const isLate = useIsLate()
  return isShown && (isLate || auth.status === 'error') ? <AuthNotice auth={auth} /> : null
}

/** Most answers arrive before a placeholder is worth showing. */
function useIsLate(): boolean {
  const [isLate, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), UNNOTICED)
    return () => clearTimeout(timer)
  }, [])
  return isLate
}
