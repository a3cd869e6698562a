import { UserProfile } from '@latchkey/react'
import type { ReactElement } from 'react'

export function Default(): ReactElement {
  return <UserProfile />
}

export function Everything(): ReactElement {
  return <UserProfile />
}

export function SomeParts(): ReactElement {
  return <UserProfile title="Security" parts={['identities', 'sessions']} />
}

export function Refusing(): ReactElement {
  return <UserProfile parts={['profile', 'delete']} />
}

export function Narrow(): ReactElement {
  return (
    <div className="narrow">
      <UserProfile />
    </div>
  )
}
