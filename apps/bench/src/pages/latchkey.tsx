import { AuthProvider, SignInButton, useUser } from '@latchkey/react'

export function Page() {
  return (
    <AuthProvider>
      <Person />
    </AuthProvider>
  )
}

function Person() {
  const user = useUser()
  return user ? <p>{user.name}</p> : <SignInButton provider="bitbucket" />
}
