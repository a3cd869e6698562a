import type { ButtonHTMLAttributes, ReactElement } from 'react'

export interface SmallButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** Present on a button whose action cannot be undone. */
  readonly 'data-danger'?: ''
}

export function SmallButton(props: SmallButtonProps): ReactElement {
  return <button type="button" {...props} className="latchkey-button" data-size="small" />
}
