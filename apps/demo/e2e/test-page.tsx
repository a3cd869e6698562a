import {
  AuthProvider,
  type SessionBody,
  SignedIn,
  SignedOut,
  SignIn,
  SignInButton,
  SignOutButton,
  UserButton,
  UserProfile,
} from '@latchkey/react'
import '@latchkey/react/styles.css'
import './test-page.css'
import { type ReactElement, useState } from 'react'
import { createRoot } from 'react-dom/client'

const session: SessionBody = {
  user: {
    id: 'user-1',
    name: 'Ada Test',
    email: 'ada@example.com',
    emailVerified: false,
    avatarUrl: null,
    createdAt: 0,
    roles: [],
  },
  session: {
    id: 'session-1',
    provider: 'bitbucket',
    createdAt: 0,
    authenticatedAt: 0,
    expiresAt: Date.parse('2100-01-01'),
  },
}

/** The page at each path. `test-pages.ts` serves and describes the pages. */
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
  '/test/features': () => (
    <AuthProvider>
      <SignedOut>
        <SignIn display="modal" />
        <nav>
          <SignInButton provider="bitbucket" mode="popup" returnTo="/test/features" />
        </nav>
      </SignedOut>
      <SignedIn>{({ name }) => <p>Signed in as {name}</p>}</SignedIn>
      <UserButton />
    </AuthProvider>
  ),
  '/test/hidden': () => (
    <AuthProvider>
      <nav hidden>
        <SignedOut>Menu</SignedOut>
      </nav>
      <div className="drawer">
        <SignedOut>Drawer</SignedOut>
      </div>
      <details>
        <summary>More</summary>
        <SignIn />
      </details>
      <SignIn display="modal" />
      <main>
        <div className="wrapper">
          <SignedIn>Page</SignedIn>
        </div>
      </main>
    </AuthProvider>
  ),
  '/test/own-colours': () => (
    <AuthProvider initialSession={session}>
      <SignInButton provider="bitbucket" className="own-colours" />
      <SignOutButton className="own-colours" scope="others" />
      <UserButton className="own-colours" showName />
      <UserProfile className="own-colours" />
      <AuthProvider initialSession={null}>
        <SignIn
          className="own-colours"
          title="Own title"
          description="Own description"
          footer="Own footer"
          authError="access_denied"
        />
      </AuthProvider>
    </AuthProvider>
  ),
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

/** State that must not be lost, next to the content for signed-out visitors. */
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
