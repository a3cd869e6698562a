import { ClerkProvider, Show, SignInButton, useUser } from '@clerk/react'

/** https://clerk.com/docs/react/getting-started/quickstart */
export function Page() {
  return (
    <ClerkProvider publishableKey="pk_live_Y2xlcmsuZXhhbXBsZS5jb20k">
      <Show when="signed-out">
        <SignInButton />
      </Show>
      <Show when="signed-in">
        <Person />
      </Show>
    </ClerkProvider>
  )
}

function Person() {
  const { user } = useUser()
  return <p>{user?.fullName}</p>
}
