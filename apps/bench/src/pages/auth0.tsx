import { Auth0Provider, useAuth0 } from '@auth0/auth0-react'

/** https://auth0.com/docs/quickstart/spa/react */
export function Page() {
  return (
    <Auth0Provider
      domain="example.auth0.com"
      clientId="an-id"
      authorizationParams={{ redirect_uri: 'https://app.example.com' }}
    >
      <Person />
    </Auth0Provider>
  )
}

function Person() {
  const { loginWithRedirect, user } = useAuth0()
  const authorizationParams = { connection: 'bitbucket' }
  if (user) return <p>{user.name}</p>
  return (
    <button type="button" onClick={() => loginWithRedirect({ authorizationParams })}>
      Continue with Bitbucket
    </button>
  )
}
