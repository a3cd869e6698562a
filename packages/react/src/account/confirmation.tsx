import type { ReactElement } from 'react'
import { SmallButton } from './small-button.tsx'

export interface ConfirmationProps {
  /** Label of the button that asks for confirmation. */
  readonly name: string
  readonly question: string
  /** Label of the button that confirms. */
  readonly answer: string
  readonly onConfirm: () => void
}

/** A button that asks for confirmation below it. */
export function Confirmation(props: ConfirmationProps): ReactElement {
  const { name, question, answer, onConfirm } = props
  return (
    <details className="latchkey-question">
      <summary className="latchkey-button" data-size="small">
        {name}
      </summary>
      <p>{question}</p>
      <SmallButton data-danger="" onClick={onConfirm}>
        {answer}
      </SmallButton>
    </details>
  )
}
