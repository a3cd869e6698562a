import { SessionProvider, signIn, useSession } from 'next-auth/react'

/** https://next-auth.js.org/getting-started/client */
export function Page() {
  return (
    <SessionProvider>
      <Person />
    </SessionProvider>
  )
}

function Person() {
  const { data } = useSession()
  if (data) return <p>{data.user?.name}</p>
  return (
    <button type="button" onClick={() => signIn('bitbucket')}>
      Continue with Bitbucket
    </button>
  )
}
