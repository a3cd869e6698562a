import { SignOutButton, UserProfile } from '@latchkey/react'
import type { ReactElement } from 'react'

export function Account(): ReactElement {
  return (
    <section className="column">
      <h1>Account</h1>
      <p className="lead">Sign out what you do not recognise, and it is out at its next click.</p>
      <UserProfile className="account" title="Who you are here" />
      <noscript>
        <p className="empty">
          Where you are signed in needs JavaScript to be listed. This does not:
        </p>
        <SignOutButton scope="others" returnTo="/account" />
      </noscript>
    </section>
  )
}
