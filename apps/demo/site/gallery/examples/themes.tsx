import { SignIn } from '@latchkey/react'
import type { ReactElement } from 'react'

export function AsItComes(): ReactElement {
  return <SignIn />
}

export function Paper(): ReactElement {
  return (
    <div className="theme-paper">
      <SignIn />
    </div>
  )
}

export function Terminal(): ReactElement {
  return (
    <div className="theme-terminal">
      <SignIn />
    </div>
  )
}

export function Round(): ReactElement {
  return (
    <div className="theme-round">
      <SignIn />
    </div>
  )
}

export function Contrast(): ReactElement {
  return (
    <div className="theme-contrast">
      <SignIn />
    </div>
  )
}

export function Brand(): ReactElement {
  return (
    <div className="theme-brand">
      <SignIn variant="brand" />
    </div>
  )
}
