import { SignedIn, SignedOut, SignIn } from '@latchkey/react'
import type { ReactElement } from 'react'

export function Home({ authError }: { authError?: string | undefined }): ReactElement {
  return (
    <>
      <section className="hero">
        <div className="pitch">
          <h1>Decisions your team can find again.</h1>
          <p className="lead">
            Write down what you decided and why, while you still know. Later, nobody has to ask in
            the channel.
          </p>
        </div>
        <div className="card-place">
          <SignedOut>
            <SignIn
              title="Sign in to Quire"
              providers={['bitbucket']}
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
                  Open decisions
                </a>
              </div>
            )}
          </SignedIn>
        </div>
        <ul className="promises">
          <li>One line for the decision, one paragraph for the reason.</li>
          <li>Signed with the Bitbucket account you already have.</li>
          <li>Your own list, that nobody else sees.</li>
        </ul>
      </section>
      <section className="example" aria-labelledby="example-title">
        <h2 id="example-title">What one looks like</h2>
        <article className="decision">
          <h3>We meet on Tuesdays only</h3>
          <p>
            Everybody lost two afternoons to the weekly plan. One meeting and a written note on
            Fridays say the same, and the note can be read by whoever was away.
          </p>
        </article>
      </section>
    </>
  )
}
