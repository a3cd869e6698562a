import { AuthFailed, AuthLoading, RequireAuth, SignedIn, SignedOut, useAuth } from '@latchkey/react'
import type { ReactElement } from 'react'

export function WhenSignedIn(): ReactElement {
  return (
    <>
      <SignedIn>{({ name }) => <p>Hello, {name}.</p>}</SignedIn>
      <SignedOut>
        <p>Hello, stranger.</p>
      </SignedOut>
    </>
  )
}

export function WhenSignedOut(): ReactElement {
  return (
    <>
      <SignedIn>{({ name }) => <p>Hello, {name}.</p>}</SignedIn>
      <SignedOut>
        <p>Hello, stranger.</p>
      </SignedOut>
    </>
  )
}

export function NotKnownYet(): ReactElement {
  return (
    <AuthLoading>
      <p>One moment…</p>
    </AuthLoading>
  )
}

export function Failed(): ReactElement {
  return <AuthFailed />
}

export function FailedStandIn(): ReactElement {
  return (
    <>
      <SignedIn>{({ name }) => <p>Hello, {name}.</p>}</SignedIn>
      <SignedOut>
        <p>Hello, stranger.</p>
      </SignedOut>
    </>
  )
}

export function NotKnownYetStandIn(): ReactElement {
  return (
    <SignedOut>
      <p>Hello, stranger.</p>
    </SignedOut>
  )
}

export function FailedOwnWords(): ReactElement {
  return (
    <AuthFailed>
      {({ retry }) => (
        <p>
          We are having trouble.{' '}
          <button type="button" onClick={retry}>
            Reload
          </button>
        </p>
      )}
    </AuthFailed>
  )
}

export function Required(): ReactElement {
  return <RequireAuth>{({ name }) => <p>Only {name} can see this.</p>}</RequireAuth>
}

export function RequiredNotKnownYet(): ReactElement {
  return <RequireAuth>Hidden while the session loads.</RequireAuth>
}

export function RequiredFailed(): ReactElement {
  return <RequireAuth>Hidden while the server is unavailable.</RequireAuth>
}

export function Headless(): ReactElement {
  const auth = useAuth()
  return <p>The state is “{auth.status}”.</p>
}
