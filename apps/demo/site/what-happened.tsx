import type { ReactElement } from 'react'
import type { SignInRecord, Step } from '../src/sign-in-record.ts'

export function WhatHappened({ record }: { record: SignInRecord | null }): ReactElement {
  if (record === null) {
    return (
      <section className="column">
        <h1>What just happened</h1>
        <p className="lead">
          This sign-in is no longer in memory. Sign out and in again to see a new one.
        </p>
      </section>
    )
  }
  return (
    <section className="column wide">
      <h1>What just happened</h1>
      <p className="lead">
        The requests of your sign-in, the cookies it set, and the user it created or updated.
      </p>

      <h2>Requests</h2>
      <ol className="steps">
        {record.steps.map((step, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the list never changes
          <StepItem key={index} step={step} />
        ))}
      </ol>

      <h2>Cookies</h2>
      <div className="cookies">
        {record.cookies.map(({ name, value, attributes }) => (
          <dl key={name + value}>
            <dt>{name}</dt>
            <dd>{value}</dd>
            <dd className="faint">{attributes}</dd>
          </dl>
        ))}
      </div>

      <h2>From profile to user</h2>
      <div className="beside">
        <figure>
          <figcaption>Profile from {record.provider}</figcaption>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable with the keyboard */}
          <pre tabIndex={0}>{JSON.stringify(record.profile, null, 2)}</pre>
        </figure>
        <figure>
          <figcaption>User in Latchkey</figcaption>
          <pre>{JSON.stringify(record.user, null, 2)}</pre>
        </figure>
      </div>
    </section>
  )
}

function StepItem({ step }: { step: Step }): ReactElement {
  return (
    <li data-from={step.from}>
      <p className="route">
        <span>{step.from === 'app' ? 'App' : 'Browser'}</span>
        <svg viewBox="0 0 16 16" width="16" height="16" role="img" aria-label="to">
          <path d="M2 8h11M9 4l4 4-4 4" fill="none" stroke="currentColor" strokeWidth="1.5" />
        </svg>
        <span>{step.to}</span>
        <span className="status">{step.status}</span>
      </p>
      <p className="request">{step.request}</p>
      <p className="why">{step.why}</p>
      {step.details.length > 0 && (
        <details>
          <summary>Parameters</summary>
          <dl>
            {step.details.map(({ name, value }) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </li>
  )
}
