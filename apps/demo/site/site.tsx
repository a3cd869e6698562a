import type { User } from '@latchkey/contract'
import { AuthProvider, SignedIn, SignedOut, SignIn, SignOutButton } from '@latchkey/react'
import { Fragment, type ReactElement } from 'react'
import { Decisions } from './decisions.tsx'
import { Home } from './home.tsx'
import type { PageData } from './page-data.ts'
import { WhatHappened } from './what-happened.tsx'

const TITLES = {
  home: 'Quire: decisions your team can find again',
  decisions: 'Decisions · Quire',
  'what-happened': 'What just happened · Quire',
} as const satisfies Record<PageData['page'], string>

export function titleOf({ page }: PageData): string {
  return TITLES[page]
}

/** The whole page: who is signed in comes from the server, so nothing is asked for twice. */
export function Site({ data }: { data: PageData }): ReactElement {
  return (
    <AuthProvider initialSession={data.session}>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header className="bar">
        <a className="brand" href="/">
          <img src="/quire.svg" alt="" width="28" height="28" />
          Quire
        </a>
        <nav aria-label="Main">
          <SignedIn>
            <a href="/decisions" aria-current={data.page === 'decisions' ? 'page' : undefined}>
              Decisions
            </a>
            <a
              href="/what-happened"
              aria-current={data.page === 'what-happened' ? 'page' : undefined}
            >
              What just happened
            </a>
          </SignedIn>
        </nav>
        <div className="account">
          <SignedIn>
            {(user) => (
              <>
                <span className="who" title={user.name ?? undefined}>
                  {user.name ?? 'Signed in'}
                </span>
                <SignOutButton returnTo="/" />
              </>
            )}
          </SignedIn>
        </div>
      </header>
      <main id="main">
        <Page data={data} />
      </main>
      <footer className="foot">
        <p>
          Quire is the demo of Latchkey. Its decisions live in memory, and its Bitbucket is emulated
          on this machine unless you gave it real credentials.
        </p>
      </footer>
    </AuthProvider>
  )
}

function Page({ data }: { data: PageData }): ReactElement {
  if (data.page === 'home') return <Home authError={data.authError} />
  // Another tab may sign the person out, or somebody else in: what is shown is always theirs.
  return (
    <>
      <SignedIn>
        {(user) => (
          <Fragment key={user.id}>
            <PrivatePage data={data} user={user} />
          </Fragment>
        )}
      </SignedIn>
      <SignedOut>
        <div className="card-alone">
          <SignIn providers={['bitbucket']} returnTo={`/${data.page}`} />
        </div>
      </SignedOut>
    </>
  )
}

function PrivatePage({ data, user }: { data: PageData; user: User }): ReactElement | null {
  const rendered = data.session?.user?.id === user.id
  if (data.page === 'decisions') {
    return <Decisions user={user} rendered={rendered ? data.decisions : undefined} />
  }
  if (data.page === 'what-happened') return <WhatHappened record={rendered ? data.record : null} />
  return null
}
