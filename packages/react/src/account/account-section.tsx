'use client'

import type { AccountPart, Provider, User } from '@latchkey/contract'
import {
  type ReactElement,
  type ReactNode,
  type RefObject,
  useEffect,
  useId,
  useRef,
  useState,
} from 'react'
import { thisPage } from '../browser/address.ts'
import { errorSentence, type Texts } from '../locales/texts.ts'
import { Alert } from '../looks/notices.tsx'
import { AuthError } from '../requests/auth-error.ts'
import { useTexts } from '../session/auth-context.ts'
import { SignInButton } from '../sign-in/sign-in-button.tsx'

/** Props of a section's content. */
export interface ContentProps {
  readonly user: User
  readonly providers: readonly Provider[]
  readonly texts: Texts
  readonly attempt: Attempt
}

/** Runs an action and shows its result: the message of an `AuthError`, or `outcome`. */
export type Attempt = (action: () => Promise<unknown>, outcome?: string) => void

export interface AccountSectionProps extends Omit<ContentProps, 'texts' | 'attempt'> {
  readonly part: AccountPart
  /** Id of the provider that this session signed in with. */
  readonly signedInWith: string | null
  readonly content: (props: ContentProps) => ReactNode
}

/** One part of the account: a heading, the content, and the result of the last action. */
export function AccountSection(props: AccountSectionProps): ReactElement {
  const { part, user, providers, signedInWith, content } = props
  const texts = useTexts()
  const headingId = useId()
  const section = useRef<HTMLElement>(null)
  const [{ pending, done, failed }, attempt] = useAttempt(section)

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
      {/* Called, not rendered as a component, so that every change of the content runs the effect that keeps
          the focus. */}
      {content({ user, providers, texts, attempt })}
      <p role="status" className="latchkey-muted">
        {done}
      </p>
      {failed && <Alert code={failed}>{errorSentence(texts, failed)}</Alert>}
      {failed === 'reauth_required' && signedInWith && (
        <SignInAgain provider={signedInWith} providers={providers} />
      )}
    </section>
  )
}

interface SignInAgainProps {
  readonly provider: string
  readonly providers: readonly Provider[]
}

/** Signs the user in again and returns to this page. */
function SignInAgain({ provider, providers }: SignInAgainProps): ReactElement {
  const known = providers.find(({ id }) => id === provider)
  return (
    <SignInButton provider={provider} name={known?.name} mark={known?.mark} returnTo={thisPage()} />
  )
}

/** State of the last action. */
interface AttemptState {
  readonly pending?: true
  readonly done?: string | undefined
  readonly failed?: string
}

/** Runs one action at a time. If the pressed button disappears, the focus moves to the section. */
function useAttempt(section: RefObject<HTMLElement | null>): readonly [AttemptState, Attempt] {
  const pressed = useRef<Element | null>(null)
  const [state, setState] = useState<AttemptState>({})

  useEffect(() => {
    if (pressed.current?.isConnected !== false) return
    pressed.current = null
    if (document.activeElement === document.body) section.current?.focus()
  })

  async function attempt(action: () => Promise<unknown>, outcome?: string): Promise<void> {
    if (state.pending) return
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

  return [state, attempt]
}
