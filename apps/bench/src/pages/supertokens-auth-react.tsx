import SuperTokens, { SuperTokensWrapper } from 'supertokens-auth-react'
import Session, { useSessionContext } from 'supertokens-auth-react/recipe/session'
import ThirdParty from 'supertokens-auth-react/recipe/thirdparty'

SuperTokens.init({
  appInfo: {
    appName: 'An app',
    apiDomain: 'https://app.example.com',
    websiteDomain: 'https://app.example.com',
  },
  recipeList: [
    ThirdParty.init({ signInAndUpFeature: { providers: [ThirdParty.Bitbucket.init()] } }),
    Session.init(),
  ],
})

export function Page() {
  return (
    <SuperTokensWrapper>
      <Person />
    </SuperTokensWrapper>
  )
}

function Person() {
  const session = useSessionContext()
  if (!session.loading && session.doesSessionExist) return <p>{session.accessTokenPayload.name}</p>
  return (
    <button
      type="button"
      onClick={() => ThirdParty.redirectToThirdPartyLogin({ thirdPartyId: 'bitbucket' })}
    >
      Continue with Bitbucket
    </button>
  )
}
