import { createClient, type User } from '@supabase/supabase-js'
import { useEffect, useState } from 'react'

/** https://supabase.com/docs/guides/auth/social-login/auth-bitbucket */
const supabase = createClient('https://example.supabase.co', 'a-publishable-key')

export function Page() {
  const [user, setUser] = useState<User>()
  useEffect(() => {
    const { data } = supabase.auth.onAuthStateChange((_event, session) => setUser(session?.user))
    return () => data.subscription.unsubscribe()
  }, [])
  if (user) return <p>{user.user_metadata.full_name}</p>
  return (
    <button type="button" onClick={() => supabase.auth.signInWithOAuth({ provider: 'bitbucket' })}>
      Continue with Bitbucket
    </button>
  )
}
