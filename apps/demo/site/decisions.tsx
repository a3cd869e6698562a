import type { User } from '@latchkey/contract'
import { type FormEvent, type ReactElement, useEffect, useState } from 'react'
import type { Decision } from '../src/decisions.ts'

type List =
  | { readonly status: 'loading' }
  | { readonly status: 'failed' }
  | { readonly status: 'ready'; readonly decisions: readonly Decision[] }

interface DecisionsProps {
  readonly user: User
  /** What the server rendered for this very person; otherwise it is asked for. */
  readonly rendered: readonly Decision[] | undefined
}

export function Decisions({ user, rendered }: DecisionsProps): ReactElement {
  const [list, setList] = useState<List>(
    rendered === undefined ? { status: 'loading' } : { status: 'ready', decisions: rendered },
  )
  const [failed, setFailed] = useState(false)

  useEffect(() => {
    if (list.status !== 'loading') return
    request<Decision[]>().then(
      (decisions) => setList({ status: 'ready', decisions }),
      () => setList({ status: 'failed' }),
    )
  }, [list.status])

  async function add(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault()
    const form = event.currentTarget
    setFailed(false)
    try {
      const fields = Object.fromEntries(new FormData(form))
      const decision = await request<Decision>(JSON.stringify(fields))
      const before = list.status === 'ready' ? list.decisions : []
      setList({ status: 'ready', decisions: [decision, ...before] })
      form.reset()
    } catch {
      setFailed(true)
    }
  }

  return (
    <section className="column">
      <h1>Decisions</h1>
      <p className="lead">
        Signed by {user.name ?? 'you'}
        {user.email !== null && <span className="address"> · {user.email}</span>}
      </p>
      <form className="new" method="post" action="/decisions" onSubmit={add}>
        <label>
          <span>What did you decide?</span>
          <input name="title" required maxLength={120} autoComplete="off" />
        </label>
        <label>
          <span>Why?</span>
          <textarea name="reason" required maxLength={500} rows={3} />
        </label>
        <button className="action" type="submit">
          Write it down
        </button>
        {failed && (
          <p role="alert" className="problem">
            It could not be saved, and is still here. Please try again.
          </p>
        )}
      </form>
      <Listed list={list} retry={() => setList({ status: 'loading' })} />
    </section>
  )
}

function Listed({ list, retry }: { list: List; retry: () => void }): ReactElement {
  if (list.status === 'loading') return <p className="empty">Loading…</p>
  if (list.status === 'failed') {
    return (
      <p role="alert" className="problem">
        Your decisions could not be loaded.{' '}
        <button type="button" className="plain" onClick={retry}>
          Try again
        </button>
      </p>
    )
  }
  if (list.decisions.length === 0) {
    return <p className="empty">Nothing decided yet. The first one is the hardest.</p>
  }
  return (
    <ol className="decisions">
      {list.decisions.map(({ id, title, reason, decidedAt }) => (
        <li key={id}>
          <article className="decision">
            <h2>{title}</h2>
            <p>{reason}</p>
            {/* One zone and one language, so that server and browser write the same. */}
            <time dateTime={new Date(decidedAt).toISOString()}>
              {written.format(decidedAt)} UTC
            </time>
          </article>
        </li>
      ))}
    </ol>
  )
}

const written = new Intl.DateTimeFormat('en-GB', {
  dateStyle: 'long',
  timeStyle: 'short',
  timeZone: 'UTC',
})

async function request<T>(body?: string): Promise<T> {
  const response = await fetch('/api/decisions', {
    ...(body === undefined
      ? {}
      : { method: 'POST', body, headers: { 'content-type': 'application/json' } }),
  })
  if (!response.ok) throw new Error(`/api/decisions answered ${response.status}`)
  return response.json() as Promise<T>
}
