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
  type SyntheticEvent,
  useContext,
  useEffect,
  useId,
  useRef,
  useState,
} from 'react'
import {
  type Address,
  inQuery,
  removeErrorFromAddressBar,
  thisPage,
  useAddress,
} from '../browser/address.ts'
import {
  errorSentence,
  fill,
  type TextOverrides,
  type Texts,
  withOverrides,
} from '../locales/texts.ts'
import { classes } from '../looks/classes.ts'
import { builtIn } from '../looks/marks.tsx'
import { Alert, Unready } from '../looks/notices.tsx'
import { Person } from '../looks/person.tsx'
import { AuthContext, useOptionalAuth, usePaths, useTexts } from '../session/auth-provider.tsx'
import type { Remote } from '../session/remote.ts'
import type { AuthState } from '../session/session-client.ts'
import { SignOutButton } from '../sign-out/sign-out-button.tsx'
import { useProviders } from './providers.ts'
import { SignInButton, type SignInButtonProps } from './sign-in-button.tsx'
import { withReturnTo } from './sign-in-url.ts'
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
  readonly trigger?:
    | ReactNode
    | ((props: ComponentPropsWithoutRef<'a'> & { readonly href: string }) => ReactElement)
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
  forwardRef<HTMLElement, SignInProps>(function SignIn(props, ref) {
    const { display, trigger, purpose, texts, ...rest } = props
    const address = useAddress()
    const card = {
      ...rest,
      cardRef: ref,
      kind: purpose === 'sign-up' ? ('signUp' as const) : ('signIn' as const),
      words: withOverrides(useTexts(), texts),
      signInPath: usePaths(props.basePath).signIn,
      address,
      auth: useOptionalAuth(),
    }
    return display === 'modal' ? (
      <Modal {...card} trigger={trigger} />
    ) : (
      <Card {...card} returnTo={props.returnTo ?? address.returnTo} />
    )
  })

interface CardProps extends Omit<SignInProps, 'display' | 'trigger' | 'purpose' | 'texts'> {
  readonly cardRef: ForwardedRef<HTMLElement>
  /** What the purpose is called by texts and by providers. */
  readonly kind: 'signIn' | 'signUp'
  readonly words: Texts
  /** The server's own page. */
  readonly signInPath: string
  readonly address: Address
  /** Where to go without a `returnTo`, if the page is left at all: a popup leaves it as it is. */
  readonly here?: string
  readonly auth: AuthState | null
}

interface ModalProps extends CardProps {
  readonly trigger: SignInProps['trigger']
}

function Modal({ trigger, ...card }: ModalProps): ReactElement {
  const { words } = card
  const signedIn = card.auth?.status === 'signed-in'
  const dialog = useRef<HTMLDialogElement>(null)
  const { authError = card.authError } = card.address
  /** `undefined` until it is opened first: only then is there a card, which asks the server. */
  const [shown, setShown] = useState<boolean>()
  /** Closes for its own clicks and events, not for those from within, such as another dialog's. */
  const close = ({ target, currentTarget }: SyntheticEvent) =>
    target === currentTarget && setShown(false)
  const name = words[card.kind]

  useEffect(() => {
    if (signedIn) setShown((shown) => shown && false)
  }, [signedIn])
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, not again for whoever signs out
  useEffect(() => {
    // A sign-in has come back with an error, which it is there to tell, unless a card of the page does.
    if (authError === undefined || signedIn || document.querySelector('.latchkey-card')) return
    setShown(true)
  }, [authError])
  useEffect(() => {
    if (!shown) return
    const opened = dialog.current as HTMLDialogElement
    opened.showModal()
    // In a menu that is closed, say, it would make the page unusable, with nothing to be seen.
    if (opened.offsetWidth === 0) setShown(false)
    return () => opened.close()
  }, [shown])

  function show(event: MouseEvent<HTMLAnchorElement>): void {
    if (!leavesThisPage(event)) return
    event.preventDefault()
    setShown(true)
  }

  const link = {
    className: 'latchkey-button',
    href: withReturnTo(card.signInPath, card.returnTo),
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
        onClick={close}
        onClose={close}
      >
        {shown !== undefined && (
          <Card {...card} returnTo={card.returnTo ?? inQuery('return_to')} here={thisPage()} />
        )}
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
    kind,
    mode,
    variant,
    providers,
    returnTo,
    basePath,
    authError,
    words,
    cardRef,
    signInPath,
    address,
    here,
    auth,
    className,
    ...sectionProps
  } = props
  const context = useContext(AuthContext)
  const titleId = useId()
  const [popupError, setPopupError] = useState<string | null>()
  useEffect(removeErrorFromAddressBar, [])

  const user = auth?.status === 'signed-in' ? auth.user : null
  const asked = useProviders({ basePath, enabled: user === null && providers === undefined })
  const offer: OfferState = providers
    ? { status: 'ready', lastUsed: null, providers: providers.map(named) }
    : asked
  const shown: OfferState = auth?.status === 'loading' || auth?.status === 'error' ? auth : offer
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
      <a className="latchkey-button" href={withReturnTo(signInPath, returnTo)}>
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
            returnTo={returnTo}
            here={here}
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
          <h2 id={titleId} className="latchkey-title" data-state={auth?.status}>
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
          <div className="latchkey-part">
            {shown.status === 'ready' ? (
              buttons
            ) : (
              <>
                <Unready state={shown} />
                {/* Without JavaScript loading never ends, so a browser shows it at once then. */}
                <noscript>{buttons}</noscript>
              </>
            )}
          </div>
        )}
        {footer && !user && <footer className="latchkey-footer latchkey-muted">{footer}</footer>}
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

interface WayProps extends SignInButtonProps {
  readonly here: string | undefined
  readonly badge: string | false
}

function Way({ badge, here, ...button }: WayProps): ReactElement {
  const badgeId = useId()
  const texts = useTexts()
  return (
    <li className="latchkey-provider">
      <SignInButton
        {...button}
        aria-describedby={badge ? badgeId : undefined}
        render={(props, { pending }) => (
          <>
            <a {...props} href={button.returnTo ? props.href : withReturnTo(props.href, here)} />
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
