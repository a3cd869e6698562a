import { KindeProvider, useKindeAuth } from '@kinde-oss/kinde-auth-react'

/** https://docs.kinde.com/developer-tools/sdks/frontend/react-sdk/ */
export function Page() {
  return (
    <KindeProvider
      clientId="an-id"
      domain="https://example.kinde.com"
      redirectUri="https://app.example.com"
    >
      <Person />
    </KindeProvider>
  )
}

function Person() {
  const { login, user } = useKindeAuth()
  if (user) return <p>{user.givenName}</p>
  return (
    <button type="button" onClick={() => login({ connectionId: 'bitbucket' })}>
      Continue with Bitbucket
    </button>
  )
}
