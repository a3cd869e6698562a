import SuperTokens, { redirectToAuth, SuperTokensWrapper } from 'supertokens-auth-react'
import Session, { useSessionContext } from 'supertokens-auth-react/recipe/session'
import ThirdParty from 'supertokens-auth-react/recipe/thirdparty'
import { ThirdPartyPreBuiltUI } from 'supertokens-auth-react/recipe/thirdparty/prebuiltui'
import { canHandleRoute, getRoutingComponent } from 'supertokens-auth-react/ui'

/** https://supertokens.com/docs/quickstart/frontend-setup */
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
  if (canHandleRoute([ThirdPartyPreBuiltUI])) return getRoutingComponent([ThirdPartyPreBuiltUI])
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
    <button type="button" onClick={() => redirectToAuth()}>
      Sign in
    </button>
  )
}
