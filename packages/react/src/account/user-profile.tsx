'use client'

import type { AccountPart, Identity, Provider, User } from '@latchkey/contract'
import {
  type ButtonHTMLAttributes,
  type FormEvent,
  type ForwardRefExoticComponent,
  forwardRef,
  type HTMLAttributes,
  type ReactElement,
  type ReactNode,
  type RefAttributes,
  useEffect,
  useId,
  useRef,
  useState,
} from 'react'
import { thisPage } from '../browser/address.ts'
import { errorSentence, fill, type Texts } from '../locales/texts.ts'
import { classes } from '../looks/classes.ts'
import { ProviderMark } from '../looks/marks.tsx'
import { Alert, Unready } from '../looks/notices.tsx'
import { Names, Person } from '../looks/person.tsx'
import { AuthError } from '../requests/auth-error.ts'
import { useAuth, useTexts } from '../session/auth-provider.tsx'
import { useProviders } from '../sign-in/providers.ts'
import { SignInButton } from '../sign-in/sign-in-button.tsx'
import { type Device, useAccount, useIdentities, useSessions } from './account.ts'

export interface UserProfileProps extends Omit<HTMLAttributes<HTMLElement>, 'title' | 'children'> {
  /** Default "Your account". */
  readonly title?: ReactNode
  /** Which parts to show, in this order, of those that the server offers. Default: all of them. */
  readonly parts?: readonly AccountPart[] | undefined
}

/**
 * What people see and do of their own account: profile, connected accounts, devices, export, deletion, each
 * if the server offers it; nothing while nobody is known to be signed in. Other props and the ref go to
 * the `<section>`.
 */
export const UserProfile: ForwardRefExoticComponent<UserProfileProps & RefAttributes<HTMLElement>> =
  forwardRef<HTMLElement, UserProfileProps>(function UserProfile(props, ref) {
    const { title, parts = ALL, className, ...sectionProps } = props
    const auth = useAuth()
    const texts = useTexts()
    const titleId = useId()
    const signedIn = auth.status === 'signed-in'
    const offer = useProviders({ enabled: signedIn })
    if (!signedIn) return null

    const { user, session } = auth
    return (
      <section
        aria-labelledby={titleId}
        tabIndex={-1}
        {...sectionProps}
        ref={ref}
        className={classes('latchkey-profile', className)}
      >
        <h2 id={titleId} className="latchkey-title">
          {title ?? texts.account}
        </h2>
        <Person user={user}>
          {user.email && !user.emailVerified && (
            <span className="latchkey-tag">{texts.unconfirmed}</span>
          )}
        </Person>
        {offer.status === 'ready' ? (
          parts
            .filter((part) => offer.account.includes(part))
            .map((part) => (
              <Part
                key={part + user.id}
                part={part}
                user={user}
                cameThrough={session.provider}
                providers={offer.providers}
              />
            ))
        ) : (
          <Unready state={offer} />
        )}
      </section>
    )
  })

interface PartProps {
  readonly part: AccountPart
  readonly user: User
  readonly cameThrough: string | null
  readonly providers: readonly Provider[]
}

interface ContentProps extends PartProps {
  readonly texts: Texts
  /** Does something, and tells in words what came of it: an `AuthError`, or the `outcome`. */
  readonly attempt: (action: () => Promise<unknown>, outcome?: string) => void
}

/** What was tried last in a part, and what came of it. */
interface PartState {
  readonly pending?: true
  readonly done?: string | undefined
  readonly failed?: string
}

/** A heading, what there is to do, and what came of it, said for eyes and for ears. */
function Part(props: PartProps): ReactElement {
  const { part, cameThrough, providers } = props
  const texts = useTexts()
  const headingId = useId()
  const section = useRef<HTMLElement>(null)
  const pressed = useRef<Element | null>(null)
  const known = providers.find(({ id }) => id === cameThrough)
  const [{ pending, done, failed }, setState] = useState<PartState>({})

  async function attempt(action: () => Promise<unknown>, outcome?: string): Promise<void> {
    if (pending) return
    pressed.current = document.activeElement
    setState({ pending: true })
    try {
      await action()
      setState({ done: outcome })
    } catch (error) {
      if (!(error instanceof AuthError)) throw error
      setState({ failed: error.code })
    }
  }

  useEffect(() => {
    // What had the focus went with what was done.
    if (pressed.current?.isConnected !== false) return
    pressed.current = null
    if (document.activeElement === document.body) section.current?.focus()
  })

  return (
    <section
      ref={section}
      className="latchkey-part"
      tabIndex={-1}
      aria-labelledby={headingId}
      aria-busy={pending}
    >
      <h3 id={headingId} className="latchkey-heading">
        {texts[part]}
      </h3>
      {/* A call: so it renders with this, which keeps the focus when what had it is gone. */}
      {CONTENT[part]({ ...props, texts, attempt })}
      <p role="status" className="latchkey-muted">
        {done}
      </p>
      {failed && <Alert code={failed}>{errorSentence(texts, failed)}</Alert>}
      {failed === 'reauth_required' && cameThrough && (
        <SignInButton
          provider={cameThrough}
          name={known?.name}
          mark={known?.mark}
          returnTo={thisPage()}
        />
      )}
    </section>
  )
}

function ProfilePart({ user, texts, attempt }: ContentProps): ReactElement {
  const { update } = useAccount()
  const id = useId()

  function save(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault()
    const name = `${new FormData(event.currentTarget).get('name')}`
    attempt(() => update({ name }), texts.saved)
  }

  return (
    <form className="latchkey-row" onSubmit={save}>
      <label className="latchkey-muted" htmlFor={id}>
        {texts.name}
      </label>
      <input
        key={user.name}
        id={id}
        name="name"
        className="latchkey-input"
        defaultValue={user.name ?? ''}
        required
        maxLength={200}
        autoComplete="name"
      />
      <SmallButton type="submit">{texts.save}</SmallButton>
    </form>
  )
}

function IdentitiesPart({ providers, texts, attempt }: ContentProps): ReactNode {
  const state = useIdentities()
  if (state.status !== 'ready') return <Unready state={state} />
  const { identities, connect, disconnect } = state
  const addable = providers.filter(
    ({ id, link }) => link && identities.every(({ provider }) => provider !== id),
  )

  function row(key: string, providerId: string, identity?: Identity): ReactElement {
    const known = providers.find(({ id }) => id === providerId)
    const company = { provider: known?.name ?? providerId }
    return (
      <li key={key} className="latchkey-row">
        <span className="latchkey-mark">{known && <ProviderMark mark={known.mark} />}</span>
        <Names first={company.provider} second={identity?.name ?? identity?.email} />
        {identity ? (
          // The last one stays: nobody could sign in any more.
          identities.length > 1 && (
            <Confirmed
              name={texts.disconnect}
              question={fill(texts.disconnectQuestion, company)}
              answer={texts.disconnect}
              onConfirm={() => attempt(() => disconnect(key), fill(texts.disconnected, company))}
            />
          )
        ) : (
          <SmallButton onClick={() => attempt(() => connect(key))}>
            {fill(texts.connect, company)}
          </SmallButton>
        )}
      </li>
    )
  }

  return (
    <ul className="latchkey-list">
      {identities.map((identity) => row(identity.id, identity.provider, identity))}
      {addable.map(({ id }) => row(id, id))}
    </ul>
  )
}

function SessionsPart({ texts, attempt }: ContentProps): ReactNode {
  const state = useSessions()
  if (state.status !== 'ready') return <Unready state={state} />
  const { sessions, end, endOthers } = state

  function row({ id, device, current, lastUsedAt, createdAt }: Device): ReactElement {
    const name = { device: device ?? texts.unknownDevice }
    const time = new Date(current ? createdAt : lastUsedAt)
    const date = time.toLocaleString(texts.language, { dateStyle: 'medium', timeStyle: 'short' })
    return (
      <li key={id} className="latchkey-row">
        <Names
          first={name.device}
          second={fill(current ? texts.since : texts.lastUsedAt, { date })}
        />
        {current ? (
          <span className="latchkey-tag">{texts.thisDevice}</span>
        ) : (
          <SmallButton
            aria-label={fill(texts.signOutDevice, name)}
            onClick={() => attempt(() => end(id), fill(texts.deviceSignedOut, name))}
          >
            {texts.signOut}
          </SmallButton>
        )}
      </li>
    )
  }

  return (
    <>
      <ul className="latchkey-list">{sessions.map(row)}</ul>
      {sessions.length > 1 && (
        <SmallButton onClick={() => attempt(endOthers, texts.othersSignedOut)}>
          {texts.signOutOthers}
        </SmallButton>
      )}
    </>
  )
}

function ExportPart({ texts }: ContentProps): ReactElement {
  return (
    <div className="latchkey-row">
      <p className="latchkey-muted">{texts.exportNote}</p>
      <a className="latchkey-button" data-size="small" href={useAccount().exportUrl} download>
        {texts.download}
      </a>
    </div>
  )
}

function DeletePart({ texts, attempt }: ContentProps): ReactElement {
  const account = useAccount()
  return (
    <Confirmed
      name={texts.delete}
      question={texts.deleteQuestion}
      answer={texts.deleteNow}
      onConfirm={() => attempt(account.delete)}
    />
  )
}

const CONTENT = {
  profile: ProfilePart,
  identities: IdentitiesPart,
  sessions: SessionsPart,
  export: ExportPart,
  delete: DeletePart,
}

const ALL = Object.keys(CONTENT) as AccountPart[]

interface ConfirmedProps {
  readonly name: string
  readonly question: string
  readonly answer: string
  readonly onConfirm: () => void
}

/** A button that asks first, below itself. */
function Confirmed({ name, question, answer, onConfirm }: ConfirmedProps): ReactElement {
  return (
    <details className="latchkey-question">
      <summary className="latchkey-button" data-size="small">
        {name}
      </summary>
      <p>{question}</p>
      <SmallButton data-danger="" onClick={onConfirm}>
        {answer}
      </SmallButton>
    </details>
  )
}

function SmallButton(
  props: ButtonHTMLAttributes<HTMLButtonElement> & { readonly 'data-danger'?: string },
): ReactElement {
  return <button type="button" {...props} className="latchkey-button" data-size="small" />
}
