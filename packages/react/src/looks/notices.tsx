'use client'

import type { ReactElement, ReactNode } from 'react'
import { useTexts } from '../session/auth-context.ts'
import type { Remote } from '../session/remote.ts'

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

interface UnreadyProps {
  readonly state: Exclude<Remote<unknown>, { readonly status: 'ready' }>
}

/**
 * Replaces content that the server has not sent: a placeholder while it loads, or an error and a button to
 * try again. Needs an ancestor with a `tabIndex`.
 */
export function Unready({ state }: UnreadyProps): ReactElement {
  const { loadingFailed, tryAgain } = useTexts()
  if (state.status === 'loading') return <Placeholder />
  const { error, retry } = state
  return (
    <>
      <Alert code={error.code}>{loadingFailed}</Alert>
      <button
        type="button"
        className="latchkey-button"
        onClick={({ currentTarget }) => {
          // This button has the focus and is about to disappear.
          currentTarget.closest<HTMLElement>('[tabindex]')?.focus()
          retry()
        }}
      >
        {tryAgain}
      </button>
    </>
  )
}
