import { SignedIn, SignedOut, SignIn } from '@latchkey/react'
import type { ReactElement } from 'react'

export function Home({ authError }: { authError?: string | undefined }): ReactElement {
  return (
    <>
      <section className="hero">
        <div className="pitch">
          <h1>Decisions your team can find again.</h1>
          <p className="lead">
            Write down what you decided and why, next to the code it is about. In a year, nobody has
            to ask in the channel.
          </p>
          <ul className="promises">
            <li>One line for the decision, one paragraph for the reason.</li>
            <li>Signed with the Bitbucket account you already have.</li>
            <li>Yours to export, and to delete.</li>
          </ul>
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
                <h2>Welcome{user.name === null ? '' : `, ${user.name}`}.</h2>
                <p>Your decisions are where you left them.</p>
                <a className="action" href="/decisions">
                  Open decisions
                </a>
                <a className="quiet" href="/what-happened">
                  See what just happened
                </a>
              </div>
            )}
          </SignedIn>
        </div>
      </section>
      <section className="example" aria-labelledby="example-title">
        <h2 id="example-title">What one looks like</h2>
        <article className="decision">
          <h3>Sessions live in the database, not in the token</h3>
          <p>
            A signed token cannot be taken back before it expires. A row can. We check the row, and
            pay for it with a cache that knows when it is wrong.
          </p>
        </article>
      </section>
    </>
  )
}
