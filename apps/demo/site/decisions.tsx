import { type User, useAuth } from '@latchkey/react'
import { type FormEvent, type ReactElement, useState } from 'react'
import type { Decision } from '../src/decisions.ts'
import type { DecisionsData } from './page-data.ts'

const INCOMPLETE = 'Enter a decision and a reason.'

interface DecisionsProps {
  readonly user: User
  readonly data: DecisionsData
}

export function Decisions({ user, data }: DecisionsProps): ReactElement {
  const auth = useAuth()
  const { refused } = data
  const [decisions, setDecisions] = useState(data.decisions)
  const [problem, setProblem] = useState(refused ? INCOMPLETE : null)

  // Without JavaScript, or before it has loaded, the browser submits the form itself.
  async function add(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault()
    const form = event.currentTarget
    setProblem(null)
    const answer = await post(Object.fromEntries(new FormData(form)))
    // The user has signed out in another tab or on another device. Refresh the session, so that the page offers to sign
    // in.
    if (answer?.status === 401 && auth.status === 'signed-in') return auth.refresh()
    if (answer?.status === 400) return setProblem(INCOMPLETE)
    if (!answer?.ok) return setProblem("We couldn't save your decision. Try again.")
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
            title="Enter a few words."
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
        <p className="empty">No decisions yet. Write down your first one above.</p>
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
      {/* A fixed zone and language, so that server and browser render the same text. */}
      <time dateTime={new Date(decidedAt).toISOString()}>{written.format(decidedAt)} UTC</time>
    </article>
  )
}

const written = new Intl.DateTimeFormat('en-GB', {
  dateStyle: 'long',
  timeStyle: 'short',
  timeZone: 'UTC',
})

/** Returns the response, or `null` if there was none. */
async function post(fields: unknown): Promise<Response | null> {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify(fields)
  return fetch('/api/decisions', { method: 'POST', headers, body }).catch(() => null)
}
