'use client'

import type { ReactElement, ReactNode } from 'react'
import { useTexts } from './auth-provider.tsx'

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

interface TroubleProps {
  readonly code: string
  readonly onRetry: () => void
}

/** Instead of what the server did not send, with a way on; within something that may have the focus. */
export function Trouble({ code, onRetry }: TroubleProps): ReactElement {
  const { loadingFailed, tryAgain } = useTexts()
  return (
    <>
      <Alert code={code}>{loadingFailed}</Alert>
      <button
        type="button"
        className="latchkey-button"
        onClick={({ currentTarget }) => {
          // This button, which has the focus, is about to go.
          currentTarget.closest<HTMLElement>('[tabindex]')?.focus()
          onRetry()
        }}
      >
        {tryAgain}
      </button>
    </>
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
