import { SignOutButton, UserProfile } from '@latchkey/react'
import type { ReactElement } from 'react'

export function Account(): ReactElement {
  return (
    <section className="column">
      <h1>Account</h1>
      <p className="lead">
        Don't recognise a device? Sign it out, and it loses access on its next request.
      </p>
      <UserProfile className="account" title="Manage your account" />
      <noscript>
        <p className="empty">
          The list of devices needs JavaScript. You can sign out the others without it:
        </p>
        <SignOutButton scope="others" returnTo="/account" />
      </noscript>
    </section>
  )
}
