import { UserButton } from '@latchkey/react'
import type { ReactElement } from 'react'

export function Default(): ReactElement {
  return <UserButton profileUrl="#account" />
}

export function Open(): ReactElement {
  return (
    <UserButton profileUrl="#account" open>
      <a href="#team">Your team</a>
      <a href="#billing">Billing</a>
    </UserButton>
  )
}

export function WithName(): ReactElement {
  return <UserButton showName profileUrl="#account" />
}

export function Nameless(): ReactElement {
  return <UserButton showName open />
}

export function LongName(): ReactElement {
  return <UserButton showName open />
}
