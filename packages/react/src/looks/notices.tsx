'use client'

import type { ReactElement, ReactNode } from 'react'
import { useTexts } from '../session/auth-provider.tsx'
import type { Remote } from '../session/remote.ts'

interface AlertProps {
  /** What it is of, for those who style it. */
  readonly code: string
  readonly children: ReactNode
}

/** What went wrong, in words, and read aloud at once. */
export function Alert({ code, children }: AlertProps): ReactElement {
  return (
    <p role="alert" className="latchkey-alert" data-code={code}>
      {children}
    </p>
  )
}

/** Stands where something will be. */
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
 * Instead of what the server has not sent: a placeholder, or why and a way on. Within something that may
 * have the focus.
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
          // This button, which has the focus, is about to go.
          currentTarget.closest<HTMLElement>('[tabindex]')?.focus()
          retry()
        }}
      >
        {tryAgain}
      </button>
    </>
  )
}
