import { paths, type SessionsBody } from '@latchkey/contract'
import { type ReactElement, useCallback, useEffect, useState } from 'react'

type Device = SessionsBody['sessions'][number]

interface DevicesProps {
  /** Called when the server says that nobody is signed in any more. */
  readonly onSignedOut: () => void
}

export function Devices({ onSignedOut }: DevicesProps): ReactElement {
  const [devices, setDevices] = useState<readonly Device[] | null>(null)
  const [failed, setFailed] = useState(false)

  const load = useCallback(async (): Promise<void> => {
    const answer = await ask('GET', paths().sessions)
    if (answer?.status === 401) return onSignedOut()
    setFailed(!answer?.ok)
    if (answer?.ok) setDevices(((await answer.json()) as SessionsBody).sessions)
  }, [onSignedOut])

  async function end(id: string): Promise<void> {
    const answer = await ask('DELETE', paths().oneSession(id))
    // Not found, it has ended by itself.
    if (answer?.ok || answer?.status === 404 || answer?.status === 401) return load()
    setFailed(true)
  }

  useEffect(() => {
    void load()
  }, [load])

  return (
    <section className="column">
      <h1>Where you are signed in</h1>
      <p className="lead">Sign out what you do not recognise, and it is out at its next click.</p>
      <noscript>
        <p className="empty">This list needs JavaScript. The button below does not.</p>
      </noscript>
      <ul className="devices">
        {devices === null && <li className="latchkey-placeholder" aria-label="Loading" />}
        {devices?.map((device) => (
          <li key={device.id}>
            <Row device={device} onEnd={() => end(device.id)} />
          </li>
        ))}
      </ul>
      {failed && (
        <p role="alert" className="problem">
          That did not work, and nothing has changed. Please try again.
        </p>
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
  const name = device.device ?? 'Unknown device'
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

/** The answer, or `null` if there was none. */
async function ask(method: string, path: string): Promise<Response | null> {
  return fetch(path, { method }).catch(() => null)
}
