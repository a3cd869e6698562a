'use client'

import type { Provider } from '@latchkey/contract'
import {
  type ComponentPropsWithoutRef,
  type ForwardedRef,
  type ForwardRefExoticComponent,
  forwardRef,
  type HTMLAttributes,
  type MouseEvent,
  type ReactElement,
  type ReactNode,
  type RefAttributes,
  useContext,
  useEffect,
  useId,
  useRef,
  useState,
} from 'react'
import { type Address, useAddress } from './address.ts'
import { AuthContext, useOptionalAuth, usePaths, useTexts } from './auth-provider.tsx'
import { classes } from './classes.ts'
import { builtIn } from './marks.tsx'
import { Alert, Unready } from './notices.tsx'
import { Person } from './person.tsx'
import { useProviders } from './providers.ts'
import type { Remote } from './remote.ts'
import { SignInButton, type SignInButtonProps } from './sign-in-button.tsx'
import { thisPage, withReturnTo } from './sign-in-url.ts'
import { SignOutButton } from './sign-out-button.tsx'
import { errorSentence, fill, type TextOverrides, type Texts, withOverrides } from './texts.ts'
import { leavesThisPage } from './use-sign-in.ts'

export interface SignInProps extends Omit<HTMLAttributes<HTMLElement>, 'title' | 'children'> {
  /** Default "Sign in", or "Create your account" with `purpose="sign-up"`. */
  readonly title?: ReactNode
  /** Above the title: your logo. */
  readonly logo?: ReactNode
  /** Below the title: what the person signs in for. */
  readonly description?: ReactNode
  /** Below the buttons: the terms, say, or a link to the page for the other `purpose`. */
  readonly footer?: ReactNode
  /** Whom the card speaks to. `sign-up` shows only providers that new people may come through. Default `sign-in`. */
  readonly purpose?: 'sign-in' | 'sign-up' | undefined
  /**
   * `modal` renders a button, and the card in a dialog over the page once it is pressed. Without
   * JavaScript the button leads to the server's own sign-in page. Default `page`.
   */
  readonly display?: 'page' | 'modal' | undefined
  /**
   * What is on the button of `display="modal"`, or what renders another link that opens the dialog: spread
   * what it is given over it. Default as of `title`.
   */
  readonly trigger?: ReactNode | ((props: ComponentPropsWithoutRef<'a'>) => ReactElement)
  /** As of `<SignInButton>`, which the card has one of for each provider. */
  readonly mode?: SignInButtonProps['mode']
  /** As of `<SignInButton>`. */
  readonly variant?: 'neutral' | 'brand' | undefined
  /**
   * Ids of the providers to show, in this order, for pages that must work without JavaScript. Default:
   * asks the server, which also knows the one last used.
   */
  readonly providers?: readonly string[] | undefined
  /**
   * Where to go after signing in. Default: `return_to` in the page's query, else `/`, or the page that the
   * dialog is over.
   */
  readonly returnTo?: string | undefined
  /** Where the server's routes are. Default: the `<AuthProvider>`'s, else `/auth`. */
  readonly basePath?: string | undefined
  /** Code of a failed sign-in, for server rendering. Default: `auth_error` in the page's query. */
  readonly authError?: string | undefined
  /** Other words for some of the texts. */
  readonly texts?: TextOverrides | undefined
}

/**
 * The card: a button per provider, what went wrong last time, or who is signed in. It works without an
 * `<AuthProvider>`. Other props and the ref go to the `<section>`.
 */
export const SignIn: ForwardRefExoticComponent<SignInProps & RefAttributes<HTMLElement>> =
  forwardRef<HTMLElement, SignInProps>(function SignIn({ display, trigger, texts, ...props }, ref) {
    const words = withOverrides(useTexts(), texts)
    const card = { ...props, cardRef: ref, address: useAddress(), words }
    return display === 'modal' ? <Modal {...card} trigger={trigger} /> : <Card {...card} />
  })

/** What a purpose is called by texts and by providers. */
const PURPOSES = { 'sign-in': 'signIn', 'sign-up': 'signUp' } as const

interface CardProps extends Omit<SignInProps, 'display' | 'trigger' | 'texts'> {
  readonly cardRef: ForwardedRef<HTMLElement>
  readonly address: Address
  readonly words: Texts
}

interface ModalProps extends CardProps {
  readonly trigger: SignInProps['trigger']
}

function Modal({ trigger, ...card }: ModalProps): ReactElement {
  const { words } = card
  const { signIn } = usePaths(card.basePath)
  const signedIn = useOptionalAuth()?.status === 'signed-in'
  const dialog = useRef<HTMLDialogElement>(null)
  const { authError = card.authError, returnTo } = card.address
  const [turn, setTurn] = useState(0)
  const open = () => setTurn((turn) => turn + 1)
  const close = () => dialog.current?.close()
  const name = words[PURPOSES[card.purpose ?? 'sign-in']]

  useEffect(() => {
    if (signedIn) dialog.current?.close()
  }, [signedIn])
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, not again for whoever signs out
  useEffect(() => {
    // The sign-in that was begun in it has come back with an error, which it is there to tell.
    if (authError !== undefined && !signedIn) open()
  }, [authError])
  useEffect(() => {
    // With the card in it, so that the focus finds its way there.
    if (turn > 0) dialog.current?.showModal()
  }, [turn])

  function show(event: MouseEvent<HTMLAnchorElement>): void {
    if (!leavesThisPage(event)) return
    event.preventDefault()
    open()
  }

  const link = {
    className: 'latchkey-button',
    href: withReturnTo(signIn, card.returnTo),
    onClick: show,
    children: name,
  }
  return (
    <>
      {typeof trigger === 'function' ? trigger(link) : <a {...link}>{trigger ?? name}</a>}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: a click beside the card; keys have Escape */}
      <dialog
        ref={dialog}
        className="latchkey-dialog"
        aria-label={name}
        onClick={({ target }) => target === dialog.current && close()}
      >
        {turn > 0 && <Card {...card} returnTo={card.returnTo ?? returnTo ?? thisPage()} />}
        <button type="button" className="latchkey-close" aria-label={words.close} onClick={close}>
          ×
        </button>
      </dialog>
    </>
  )
}

function Card(props: CardProps): ReactElement {
  const {
    title,
    logo,
    description,
    footer,
    purpose = 'sign-in',
    mode,
    variant,
    providers,
    returnTo,
    basePath,
    authError,
    words,
    cardRef,
    address,
    className,
    ...sectionProps
  } = props
  const context = useContext(AuthContext)
  const kind = PURPOSES[purpose]
  const auth = useOptionalAuth()
  const titleId = useId()
  const [popupError, setPopupError] = useState<string | null>()

  const user = auth?.status === 'signed-in' ? auth.user : null
  const unknown = auth?.status === 'loading'
  const target = returnTo ?? address.returnTo
  const asked = useProviders({ basePath, enabled: user === null && providers === undefined })
  const { signIn } = usePaths(basePath)
  const offer: OfferState = providers
    ? { status: 'ready', lastUsed: null, providers: providers.map(named) }
    : asked
  const offered =
    offer.status === 'ready' ? offer.providers.filter((provider) => provider[kind] !== false) : []
  const [only, another] = offered
  // Comes with the answer, which may name the company, so that nothing is said twice.
  const code =
    popupError === undefined
      ? (offer.status !== 'loading' && address.authError) || authError
      : popupError

  const buttons =
    offer.status !== 'ready' ? (
      <a className="latchkey-button" href={withReturnTo(signIn, target)}>
        {words.signIn}
      </a>
    ) : only ? (
      <ul className="latchkey-providers">
        {offered.map(({ id, name, mark }) => (
          <Way
            key={id}
            provider={id}
            name={name}
            mark={mark}
            mode={mode}
            variant={variant}
            returnTo={target}
            badge={id === offer.lastUsed && words.lastUsed}
            // Unsaid, so that it is heard again if it is the same.
            onClick={() => mode === 'popup' && setPopupError(null)}
            onResult={setPopupError}
          />
        ))}
      </ul>
    ) : (
      <p className="latchkey-muted">{words.noProviders}</p>
    )

  return (
    <AuthContext.Provider
      value={{ ...context, basePath: basePath ?? context?.basePath, texts: words }}
    >
      <section
        aria-labelledby={titleId}
        tabIndex={-1}
        {...sectionProps}
        ref={cardRef}
        className={classes('latchkey-card', className)}
      >
        <header className="latchkey-header">
          {logo}
          <h2 id={titleId} className="latchkey-title" data-state={unknown ? 'loading' : undefined}>
            {user ? words.signedIn : (title ?? words[kind])}
          </h2>
          {description && !user && <p className="latchkey-muted">{description}</p>}
        </header>
        {!user && code && (
          <Alert code={code}>{errorSentence(words, code, another ? undefined : only?.name)}</Alert>
        )}
        {user ? (
          <>
            <Person user={user} />
            <SignOutButton />
          </>
        ) : (
          <Offer state={unknown ? { status: 'loading' } : offer}>{buttons}</Offer>
        )}
        {footer && !user && <footer className="latchkey-footer">{footer}</footer>}
      </section>
    </AuthContext.Provider>
  )
}

/** What the server has answered, or the application has said in its place. */
type OfferState = Remote<{
  readonly providers: readonly (Pick<Provider, 'id' | 'name'> & Partial<Provider>)[]
  readonly lastUsed: string | null
}>

/** What is known of a provider without having asked. */
function named(id: string): { readonly id: string; readonly name: string } {
  return { id, name: builtIn[id]?.name ?? id }
}

interface OfferProps {
  readonly state: Remote<unknown>
  /** What there is to press. Without JavaScript loading never ends, so a browser shows it at once then. */
  readonly children: ReactNode
}

function Offer({ state, children }: OfferProps): ReactElement {
  return (
    <div className="latchkey-part">
      {state.status === 'ready' ? (
        children
      ) : (
        <>
          <Unready state={state} />
          <noscript>{children}</noscript>
        </>
      )}
    </div>
  )
}

interface WayProps extends SignInButtonProps {
  readonly badge: string | false
}

function Way({ badge, ...button }: WayProps): ReactElement {
  const badgeId = useId()
  const texts = useTexts()
  return (
    <li className="latchkey-provider">
      <SignInButton
        {...button}
        aria-describedby={badge ? badgeId : undefined}
        render={(props, { pending }) => (
          <>
            <a {...props} />
            <span role="status" className="latchkey-hidden">
              {pending && fill(texts.goingOn, { provider: button.name ?? '' })}
            </span>
          </>
        )}
      />
      {badge && (
        <span id={badgeId} className="latchkey-tag">
          {badge}
        </span>
      )}
    </li>
  )
}
