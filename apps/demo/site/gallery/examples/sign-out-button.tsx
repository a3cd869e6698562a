import { SignOutButton } from '@latchkey/react'
import type { ReactElement } from 'react'

export function Default(): ReactElement {
  return <SignOutButton />
}

export function Scopes(): ReactElement {
  return (
    <>
      <SignOutButton scope="others" />
      <SignOutButton scope="global" returnTo="#bye" />
    </>
  )
}

export function Failing(): ReactElement {
  return <SignOutButton />
}
