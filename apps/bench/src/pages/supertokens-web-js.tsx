import { useEffect, useState } from 'react'
import SuperTokens from 'supertokens-web-js'
import Session from 'supertokens-web-js/recipe/session'
import ThirdParty from 'supertokens-web-js/recipe/thirdparty'

const CALLBACK = 'https://app.example.com/auth/callback/bitbucket'

/** https://supertokens.com/docs/authentication/social/custom-ui */
SuperTokens.init({
  appInfo: { appName: 'An app', apiDomain: 'https://app.example.com' },
  recipeList: [ThirdParty.init(), Session.init()],
})

export function Page() {
  const [name, setName] = useState<string>()
  useEffect(() => {
    readName().then(setName)
  }, [])
  if (name !== undefined) return <p>{name}</p>
  return (
    <button type="button" onClick={goToProvider}>
      Continue with Bitbucket
    </button>
  )
}

async function goToProvider(): Promise<void> {
  location.href = await ThirdParty.getAuthorisationURLWithQueryParamsAndSetState({
    thirdPartyId: 'bitbucket',
    frontendRedirectURI: CALLBACK,
  })
}

async function readName(): Promise<string | undefined> {
  if (location.href.startsWith(CALLBACK)) await ThirdParty.signInAndUp()
  if (!(await Session.doesSessionExist())) return undefined
  return (await Session.getAccessTokenPayloadSecurely()).name
}
