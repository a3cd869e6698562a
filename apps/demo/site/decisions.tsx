import { type User, useAuth } from '@latchkey/react'
import { type FormEvent, type ReactElement, useState } from 'react'
import type { Decision } from '../src/decisions.ts'
import type { DecisionsData } from './page-data.ts'

interface DecisionsProps {
  readonly user: User
  readonly data: DecisionsData
}

export function Decisions({ user, data }: DecisionsProps): ReactElement {
  const auth = useAuth()
  const { refused } = data
  const [decisions, setDecisions] = useState(data.decisions)
  const [problem, setProblem] = useState(refused ? 'Both need a few words.' : null)

  // The form posts itself too, without JavaScript or before it has come.
  async function add(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault()
    const form = event.currentTarget
    setProblem(null)
    const answer = await post(Object.fromEntries(new FormData(form)))
    // Signed out elsewhere: the page asks who it is now, and shows the way back in.
    if (answer?.status === 401 && auth.status === 'signed-in') return auth.refresh()
    if (answer?.status === 400) return setProblem('Both need a few words.')
    if (!answer?.ok)
      return setProblem('It could not be saved, and is still here. Please try again.')
    const decision: Decision = await answer.json()
    setDecisions((before) => [decision, ...before])
    form.reset()
  }

  return (
    <section className="column">
      <h1>Decisions</h1>
      <p className="lead">
        Signed by <bdi>{user.name ?? 'you'}</bdi>
        {user.email && <span className="address"> · {user.email}</span>}
      </p>
      <form className="new" method="post" action="/decisions" onSubmit={add}>
        <label>
          <span>What did you decide?</span>
          <input
            name="title"
            defaultValue={refused?.title}
            required
            pattern=".*\S.*"
            title="A few words"
            maxLength={120}
            autoComplete="off"
          />
        </label>
        <label>
          <span>Why?</span>
          <textarea
            name="reason"
            defaultValue={refused?.reason}
            required
            maxLength={500}
            rows={3}
          />
        </label>
        <button className="action" type="submit">
          Write it down
        </button>
        {problem && (
          <p role="alert" className="problem">
            {problem}
          </p>
        )}
      </form>
      {decisions.length === 0 ? (
        <p className="empty">Nothing decided yet. The first one is the hardest.</p>
      ) : (
        <ol className="decisions">
          {decisions.map((decision) => (
            <li key={decision.id}>
              <Item decision={decision} />
            </li>
          ))}
        </ol>
      )}
    </section>
  )
}

function Item({ decision: { title, reason, decidedAt } }: { decision: Decision }): ReactElement {
  return (
    <article className="decision">
      <h2>{title}</h2>
      <p>{reason}</p>
      {/* One zone and one language, so that server and browser write the same. */}
      <time dateTime={new Date(decidedAt).toISOString()}>{written.format(decidedAt)} UTC</time>
    </article>
  )
}

const written = new Intl.DateTimeFormat('en-GB', {
  dateStyle: 'long',
  timeStyle: 'short',
  timeZone: 'UTC',
})

/** The answer, or `null` if there was none. */
async function post(fields: unknown): Promise<Response | null> {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify(fields)
  return fetch('/api/decisions', { method: 'POST', headers, body }).catch(() => null)
}
