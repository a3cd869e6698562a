import { useEffect, useState } from 'react'

/** The minimum that works, with a server that responds at `/me`. */
export function Page() {
  const [name, setName] = useState<string>()
  useEffect(() => {
    fetch('/me').then(async (answer) => {
      if (answer.ok) setName((await answer.json()).name)
    })
  }, [])
  if (name !== undefined) return <p>{name}</p>
  return <a href="/auth/bitbucket">Continue with Bitbucket</a>
}
