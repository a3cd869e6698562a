import { AuthProvider, SignedIn, UserButton } from '@latchkey/react'
import type { ReactElement } from 'react'
import { Account } from './account.tsx'
import { Decisions } from './decisions.tsx'
import { Home } from './home.tsx'
import type { PageData, QuireData } from './page-data.ts'
import { PrivatePage } from './private-page.tsx'
import { WhatHappened } from './what-happened.tsx'

const TITLES = {
  home: 'Quire: decisions you can find again',
  decisions: 'Decisions · Quire',
  account: 'Account · Quire',
  gallery: 'Components · Latchkey',
  'what-happened': 'What just happened · Quire',
  'not-found': 'Page not found · Quire',
} as const satisfies Record<PageData['page'], string>

export function titleOf({ page }: PageData): string {
  return TITLES[page]
}

/** The whole page. It renders with the server's session, so the browser does not request it again. */
export function Site({ data }: { data: QuireData }): ReactElement {
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
        <SignedIn>
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
          </nav>
          <UserButton showName profileUrl="/account" returnTo="/" />
        </SignedIn>
      </header>
      <main id="main">
        <Page data={data} />
      </main>
      <footer className="foot">
        <p>
          Quire is Latchkey's demo. It keeps decisions in memory, and emulates its sign-in providers
          on this machine unless you set real credentials.{' '}
          <a className="foot-link" href="/gallery">
            See every component in every state
          </a>
        </p>
      </footer>
    </AuthProvider>
  )
}

function Page({ data }: { data: QuireData }): ReactElement {
  if (data.page === 'home') return <Home {...data} />
  const user = data.session?.user ?? null
  if (data.page === 'not-found' || user === null) return <NotFound />
  return (
    <PrivatePage path={`/${data.page}`} renderedFor={user.id}>
      {data.page === 'decisions' && <Decisions user={user} data={data} />}
      {data.page === 'what-happened' && <WhatHappened record={data.record} />}
      {data.page === 'account' && <Account />}
    </PrivatePage>
  )
}

function NotFound(): ReactElement {
  return (
    <section className="column">
      <h1>Page not found.</h1>
      <p className="lead">
        <a href="/">Go to the home page</a>
      </p>
    </section>
  )
}
