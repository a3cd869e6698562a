import { paths, type SessionsBody } from '@latchkey/contract'
import { type ReactElement, useCallback, useEffect, useRef, useState } from 'react'

type Device = SessionsBody['sessions'][number]

interface DevicesProps {
  /** Called when the server says that nobody is signed in any more. */
  readonly onSignedOut: () => void
}

export function Devices({ onSignedOut }: DevicesProps): ReactElement {
  const heading = useRef<HTMLHeadingElement>(null)
  const [devices, setDevices] = useState<readonly Device[] | null>(null)
  const [done, setDone] = useState('')
  const [problem, setProblem] = useState<string | null>(null)

  /** Shows what is so now. Of a device in doubt it says whether it is signed out. */
  const load = useCallback(
    async (inDoubt?: Device): Promise<void> => {
      const answer = await ask('GET', paths().sessions)
      if (answer?.status === 401) return onSignedOut()
      const body: SessionsBody | null = answer?.ok ? await answer.json().catch(() => null) : null
      if (body !== null) setDevices(thisOneFirst(body.sessions))
      if (inDoubt === undefined) setProblem(body === null ? 'This list could not be loaded.' : null)
      else if (body?.sessions.every(({ id }) => id !== inDoubt.id)) setDone(signedOut(inDoubt))
      else setProblem('We could not tell whether that worked.')
    },
    [onSignedOut],
  )

  async function end(device: Device): Promise<void> {
    setDone('')
    setProblem(null)
    const answer = await ask('DELETE', paths().oneSession(device.id))
    // Not found, it has ended by itself. An answer that is lost says nothing of what was done.
    if (!answer?.ok && answer?.status !== 404) return load(device)
    setDevices((before) => before?.filter(({ id }) => id !== device.id) ?? null)
    setDone(signedOut(device))
  }

  function loadAgain(): void {
    // The button goes.
    heading.current?.focus()
    setProblem(null)
    void load()
  }

  useEffect(() => {
    void load()
  }, [load])

  useEffect(() => {
    // The button that had the focus went with its device.
    if (done !== '' && document.activeElement === document.body) heading.current?.focus()
  }, [done])

  return (
    <section className="column">
      <h1 ref={heading} tabIndex={-1}>
        Where you are signed in
      </h1>
      <p className="lead">Sign out what you do not recognise, and it is out at its next click.</p>
      <noscript>
        <p className="empty">This list needs JavaScript. The button below does not.</p>
      </noscript>
      <ul className="devices">
        {devices === null && problem === null && (
          <li className="latchkey-placeholder" aria-label="Loading" />
        )}
        {devices?.map((device) => (
          <li key={device.id}>
            <Row device={device} onEnd={() => end(device)} />
          </li>
        ))}
      </ul>
      <p role="status" className="outcome">
        {done}
      </p>
      {problem && (
        <div role="alert" className="outcome">
          <p className="problem">{problem}</p>
          <button className="latchkey-button" type="button" onClick={loadAgain}>
            Load the list again
          </button>
        </div>
      )}
      <form method="post" action={paths().signOut}>
        <input type="hidden" name="scope" value="others" />
        <input type="hidden" name="return_to" value="/devices" />
        <button className="latchkey-button" type="submit">
          Sign out everywhere else
        </button>
      </form>
    </section>
  )
}

function Row({ device, onEnd }: { device: Device; onEnd: () => void }): ReactElement {
  const name = nameOf(device)
  return (
    <article className="device">
      <h2>{name}</h2>
      <p>
        {device.current ? 'In use now' : `Last used ${minute.format(device.lastUsedAt)}`}
        {' · '}signed in {day.format(device.createdAt)}
      </p>
      {device.current ? (
        <span className="this-device">This device</span>
      ) : (
        <button
          className="latchkey-button"
          type="button"
          onClick={onEnd}
          aria-label={`Sign out ${name}`}
        >
          Sign out
        </button>
      )}
    </article>
  )
}

// In the reader's own zone: the list is never rendered on the server.
const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium' })
const minute = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' })

function thisOneFirst(devices: readonly Device[]): readonly Device[] {
  return [...devices].sort((one, other) => Number(other.current) - Number(one.current))
}

function nameOf({ device }: Device): string {
  return device ?? 'Unknown device'
}

function signedOut(device: Device): string {
  return `${nameOf(device)} is signed out.`
}

/** The answer, or `null` if there was none. */
async function ask(method: string, path: string): Promise<Response | null> {
  return fetch(path, { method }).catch(() => null)
}
