'use client'

import { type ReactElement, type ReactNode, useEffect, useState } from 'react'
import { useAuth, useTexts } from '../session/auth-context.ts'
import type { AuthState } from '../session/auth-state.ts'
import type { Remote } from '../session/remote.ts'
import { type PlacedNotice, useStandIn } from '../session/use-notice.ts'

/** In milliseconds. A page that stays empty for longer than this looks broken. */
const UNNOTICED = 300

interface AlertProps {
  /** The error's code, for styling. */
  readonly code: string
  readonly children: ReactNode
}

/** An error message, which screen readers announce. A `<span>`, because it may be inside a paragraph. */
export function Alert({ code, children }: AlertProps): ReactElement {
  return (
    <span role="alert" className="latchkey-alert" data-code={code}>
      {children}
    </span>
  )
}

/** A placeholder for content that is loading. */
export function Placeholder(): ReactElement {
  return (
    <span role="status" className="latchkey-placeholder">
      <span className="latchkey-hidden">{useTexts().loading}</span>
    </span>
  )
}

interface UnreadyProps {
  readonly state: Exclude<Remote<unknown>, { readonly status: 'ready' }>
}

/**
 * Replaces content that the server has not sent yet: a placeholder while it loads, or an error and a button to
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
        // This button is about to disappear and would lose the focus.
        currentTarget.closest<HTMLElement>('[tabindex]')?.focus()
        retry()
      }}
    >
      {useTexts().tryAgain}
    </button>
  )
}

/** An `AuthState` without a response from the server. */
type UnknownAuth = Extract<AuthState, { status: 'loading' | 'error' }>

interface AuthNoticeProps {
  readonly auth: UnknownAuth
  /** `false` keeps only the element that has the focus after a retry. */
  readonly isShown?: boolean
}

/** Shows an unknown state: a placeholder while the session loads, or an error message and a retry button. */
export function AuthNotice({ auth, isShown = true }: AuthNoticeProps): ReactElement {
  const { authFailed } = useTexts()
  const content =
    auth.status === 'loading' ? (
      <Placeholder />
    ) : (
      <>
        <Alert code={auth.error.code}>{authFailed}</Alert>
        <RetryButton retry={auth.retry} size="small" />
      </>
    )
  return (
    <span className="latchkey-notice" tabIndex={-1}>
      {isShown && content}
    </span>
  )
}

/**
 * Whether the last request for the session failed. It stays `true` while a retry is pending, so that a notice
 * keeps its element and the focus.
 */
export function useIsFailing(status: AuthState['status']): boolean {
  const [wasFailing, setFailing] = useState(false)
  const isFailing = status === 'loading' ? wasFailing : status === 'error'
  if (isFailing !== wasFailing) setFailing(isFailing)
  return isFailing
}

/** Marks where a notice is. It takes up no space, and HTML allows it inside paragraphs, lists and tables. */
export function Place({ of }: { readonly of: PlacedNotice }): ReactElement {
  return <template ref={of.place} />
}

/**
 * Rendered by components that would otherwise show nothing while the session is unknown. The page shows at most
 * one stand-in, and none if another component shows the status.
 */
export function StandIn(): ReactElement | null {
  const auth = useAuth()
  const isUnknown = auth.status === 'loading' || auth.status === 'error'
  return isUnknown ? <OneOfTheStandIns auth={auth} /> : null
}

function OneOfTheStandIns({ auth }: AuthNoticeProps): ReactElement {
  const notice = useStandIn()
  const isLate = useIsLate()
  return (
    <>
      <Place of={notice} />
      {notice.isShown[auth.status] && (isLate || auth.status === 'error') && (
        <AuthNotice auth={auth} />
      )}
    </>
  )
}

/** Becomes `true` after a short delay. Most responses arrive before a placeholder is worth showing. */
function useIsLate(): boolean {
  const [isLate, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), UNNOTICED)
    return () => clearTimeout(timer)
  }, [])
  return isLate
}
