import { SignedOut, SignIn, useUser } from '@latchkey/react'
import { type ReactElement, type ReactNode, useEffect, useState } from 'react'

interface PrivatePageProps {
  readonly path: string
  /** Id of the user whose data the server has rendered. */
  readonly renderedFor: string
  readonly children: ReactNode
}

/**
 * Shows a page to the person it was rendered for, until they leave in any tab. Whoever signs in after
 * that, be it the same person, gets a new one.
 */
export function PrivatePage({ path, renderedFor, children }: PrivatePageProps): ReactElement {
  const userId = useUser()?.id ?? null
  const [left, setLeft] = useState(false)
  if (userId !== renderedFor && !left) setLeft(true)

  useEffect(() => {
    if (left && userId !== null) location.reload()
  }, [left, userId])

  if (!left && userId === renderedFor) return <>{children}</>
  return (
    <SignedOut>
      <section className="card-alone">
        <h1>You are signed out.</h1>
        <SignIn title="Sign in to go on" providers={['bitbucket']} returnTo={path} />
      </section>
    </SignedOut>
  )
}
