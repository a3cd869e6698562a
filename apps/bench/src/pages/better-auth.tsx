import { createAuthClient } from 'better-auth/react'

/** https://better-auth.com/docs/basic-usage */
const auth = createAuthClient()

export function Page() {
  const { data } = auth.useSession()
  if (data) return <p>{data.user.name}</p>
  return (
    <button type="button" onClick={() => auth.signIn.social({ provider: 'bitbucket' })}>
      Continue with Bitbucket
    </button>
  )
}
