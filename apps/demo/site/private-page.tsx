import { SignedOut, SignIn, useUser } from '@latchkey/react'
import { type ReactElement, type ReactNode, useEffect, useState } from 'react'

interface PrivatePageProps {
  readonly path: string
  /** The id of the user that the server rendered the page for. */
  readonly renderedFor: string
  readonly children: ReactNode
}

/**
 * Shows a page only to the user it was rendered for, until they sign out in any tab. After the next sign-in, even by the same user, the page reloads.
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
        <h1>You're signed out.</h1>
        <SignIn title="Sign in to continue" providers={['bitbucket']} returnTo={path} />
      </section>
    </SignedOut>
  )
}
