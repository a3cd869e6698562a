import { AuthProvider, SignedIn, SignOutButton } from '@latchkey/react'
import { type ReactElement, useCallback, useState } from 'react'
import { Decisions } from './decisions.tsx'
import { Devices } from './devices.tsx'
import { Home } from './home.tsx'
import type { PageData } from './page-data.ts'
import { PrivatePage } from './private-page.tsx'
import { WhatHappened } from './what-happened.tsx'

const TITLES = {
  home: 'Quire: decisions your team can find again',
  decisions: 'Decisions · Quire',
  devices: 'Where you are signed in · Quire',
  'what-happened': 'What just happened · Quire',
  'not-found': 'Not found · Quire',
} as const satisfies Record<PageData['page'], string>

export function titleOf({ page }: PageData): string {
  return TITLES[page]
}

/** The whole page: who is signed in comes from the server, so nothing is asked for twice. */
export function Site({ data }: { data: PageData }): ReactElement {
  // The server is right. A new provider takes its word, and tells the other tabs.
  const [signedOut, setSignedOut] = useState(false)
  const onSignedOut = useCallback(() => setSignedOut(true), [])
  return (
    <AuthProvider key={String(signedOut)} initialSession={signedOut ? null : data.session}>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header className="bar">
        <a className="brand" href="/">
          <img src="/quire.svg" alt="" width="28" height="28" />
          Quire
        </a>
        <SignedIn>
          {(user) => (
            <>
              <nav aria-label="Main">
                <a href="/decisions" aria-current={data.page === 'decisions' ? 'page' : undefined}>
                  Decisions
                </a>
                <a
                  href="/what-happened"
                  aria-current={data.page === 'what-happened' ? 'page' : undefined}
                >
                  What just happened
                </a>
                <a href="/devices" aria-current={data.page === 'devices' ? 'page' : undefined}>
                  Devices
                </a>
              </nav>
              <div className="account">
                <bdi className="who" title={user.name ?? undefined}>
                  {user.name ?? 'Signed in'}
                </bdi>
                <SignOutButton returnTo="/" />
              </div>
            </>
          )}
        </SignedIn>
      </header>
      <main id="main">
        <Page data={data} onSignedOut={onSignedOut} />
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

interface PageProps {
  readonly data: PageData
  readonly onSignedOut: () => void
}

function Page({ data, onSignedOut }: PageProps): ReactElement {
  if (data.page === 'home') return <Home authError={data.authError} />
  const user = data.session?.user ?? null
  if (data.page === 'not-found' || user === null) return <NotFound />
  return (
    <PrivatePage path={`/${data.page}`} renderedFor={user.id}>
      {data.page === 'decisions' && <Decisions user={user} data={data} onSignedOut={onSignedOut} />}
      {data.page === 'what-happened' && <WhatHappened record={data.record} />}
      {data.page === 'devices' && <Devices onSignedOut={onSignedOut} />}
    </PrivatePage>
  )
}

function NotFound(): ReactElement {
  return (
    <section className="column">
      <h1>There is no such page.</h1>
      <p className="lead">
        <a href="/">Go to the first page</a>
      </p>
    </section>
  )
}
