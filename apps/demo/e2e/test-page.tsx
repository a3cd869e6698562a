import {
  AuthProvider,
  SignedIn,
  SignedOut,
  SignIn,
  SignInButton,
  UserButton,
  UserProfile,
} from '@latchkey/react'
import '@latchkey/react/styles.css'
import { type ReactElement, useState } from 'react'
import { createRoot } from 'react-dom/client'

/** What there is at a path. `test-pages.ts` serves it, and says what it is for. */
const PAGES: Readonly<Record<string, () => ReactElement>> = {
  '/test/button': () => (
    <AuthProvider>
      <Busy>
        {(onResult) => <SignInButton provider="bitbucket" mode="popup" onResult={onResult} />}
      </Busy>
    </AuthProvider>
  ),
  '/test/card': () => (
    <AuthProvider>
      <Busy>{() => null}</Busy>
      <SignIn mode="popup" />
    </AuthProvider>
  ),
  '/test/alone': () => <SignInButton provider="bitbucket" mode="popup" returnTo="/?from=popup" />,
  '/test/account': () => (
    <AuthProvider loadRemoteAvatars>
      <UserButton showName profileUrl="/test/account" />
      <SignIn />
      <UserProfile />
    </AuthProvider>
  ),
}

interface BusyProps {
  readonly children: (onResult: (error: string | null) => void) => ReactElement | null
}

/** Something that a person would not want to lose, beside what there is for those who are signed out. */
function Busy({ children }: BusyProps): ReactElement {
  const [count, setCount] = useState(0)
  const [results, setResults] = useState<(string | null)[]>([])
  return (
    <>
      <button type="button" onClick={() => setCount(count + 1)}>
        Counted to {count}
      </button>
      <pre>{JSON.stringify(results)}</pre>
      <SignedIn>
        {(user) => (
          <p>
            Signed in as <bdi>{user.name}</bdi>.
          </p>
        )}
      </SignedIn>
      <SignedOut>{children((error) => setResults((before) => [...before, error]))}</SignedOut>
    </>
  )
}

const Page = PAGES[location.pathname]
if (Page) createRoot(document.body).render(<Page />)
