import { SignedIn, SignedOut, SignIn } from '@latchkey/react'
import type { ReactElement } from 'react'
import type { HomeData } from './page-data.ts'

export function Home({ authError, providers }: HomeData): ReactElement {
  const [first = '', ...others] = providers
  return (
    <>
      <section className="hero">
        <div className="pitch">
          <h1>Decisions you can find again.</h1>
          <p className="lead">
            Write down what you decided and why, while it's still fresh. Later, you won't have to
            dig through old chats.
          </p>
        </div>
        <div className="card-place">
          <SignedOut>
            <SignIn
              title="Sign in to Quire"
              // The card knows Bitbucket's mark. It requests those of other providers from the server.
              providers={others.length === 0 ? ['bitbucket'] : undefined}
              returnTo="/decisions"
              authError={authError}
            />
          </SignedOut>
          <SignedIn>
            {(user) => (
              <div className="welcome">
                <h2>
                  Welcome
                  {user.name !== null && (
                    <>
                      , <bdi>{user.name}</bdi>
                    </>
                  )}
                  .
                </h2>
                <a className="action" href="/decisions">
                  Open your decisions
                </a>
              </div>
            )}
          </SignedIn>
        </div>
        <ul className="promises">
          <li>One line for the decision, one paragraph for the reason.</li>
          <li>
            No new password: sign in with{' '}
            {others.length === 0 ? `your ${first} account` : 'an account that you already have'}.
          </li>
          <li>A private list that only you can see.</li>
        </ul>
      </section>
      <section className="example" aria-labelledby="example-title">
        <h2 id="example-title">An example</h2>
        <article className="decision">
          <h3>We only meet on Tuesdays</h3>
          <p>
            Weekly planning took two afternoons. One meeting and a written note on Fridays do the
            same job, and anyone who was away can read the note.
          </p>
        </article>
      </section>
    </>
  )
}
