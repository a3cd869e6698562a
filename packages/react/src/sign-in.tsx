'use client'

import { defaultBasePath, type User } from '@latchkey/contract'
import {
  type ForwardRefExoticComponent,
  forwardRef,
  type HTMLAttributes,
  type ReactElement,
  type ReactNode,
  type RefAttributes,
  useContext,
  useId,
  useRef,
} from 'react'
import { useAddress } from './address.ts'
import { AuthContext, useOptionalAuth } from './auth-provider.tsx'
import {
  namedProviders,
  type OfferedProvider,
  type ProvidersState,
  useProviders,
} from './providers.ts'
import { SignInButton } from './sign-in-button.tsx'
import { signInPageUrl } from './sign-in-url.ts'
import { SignOutButton } from './sign-out-button.tsx'
import { english, errorSentence, type TextOverrides, type Texts, withOverrides } from './texts.ts'

export interface SignInProps extends Omit<HTMLAttributes<HTMLElement>, 'title' | 'children'> {
  /** Default "Sign in". */
  readonly title?: string | undefined
  /**
   * Ids of the providers to show, in this order, for pages that must work without JavaScript. Default:
   * asks the server, which also knows the one last used.
   */
  readonly providers?: readonly string[] | undefined
  /** Where to go after signing in. Default: `return_to` in the page's query, else `/`. */
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
    const { title, providers, returnTo, basePath, authError, texts, ...rest } = props
    const { className = '', ...sectionProps } = rest
    const context = useContext(AuthContext)
    const auth = useOptionalAuth()
    const address = useAddress()
    const titleId = useId()

    const user = auth?.status === 'signed-in' ? auth.user : null
    const base = basePath ?? context?.basePath ?? defaultBasePath
    const words = withOverrides(context?.texts ?? english, texts)
    const target = returnTo ?? address.returnTo

    const [asked, retry] = useProviders(base, user === null && providers === undefined)
    const offer = providers ? namedProviders(providers) : asked
    const unknown = auth?.status === 'loading'
    const [only, another] = offer.status === 'ready' ? offer.providers : []
    // Comes with the answer, which may name the company, so that nothing is said twice.
    const code = ((user || offer.status !== 'loading') && address.authError) || authError

    return (
      <AuthContext.Provider value={{ basePath: base, texts: words, client: context?.client }}>
        <section
          aria-labelledby={titleId}
          {...sectionProps}
          ref={ref}
          className={`latchkey-card ${className}`.trim()}
        >
          <h2 id={titleId} className="latchkey-title" data-state={unknown ? 'loading' : undefined}>
            {user ? words.signedIn : (title ?? words.signIn)}
          </h2>
          {code && (
            <p role="alert" className="latchkey-alert" data-code={code}>
              {errorSentence(words, code, another ? undefined : only?.name)}
            </p>
          )}
          {user ? (
            <Account user={user} />
          ) : (
            <OfferedProviders
              offer={unknown ? { status: 'loading' } : offer}
              retry={retry}
              texts={words}
            >
              {offer.status === 'ready' ? (
                <ProviderButtons {...offer} texts={words} returnTo={target} />
              ) : (
                <a className="latchkey-button" href={signInPageUrl(base, target)}>
                  {words.openSignInPage}
                </a>
              )}
            </OfferedProviders>
          )}
        </section>
      </AuthContext.Provider>
    )
  })

function Account({ user: { name, email } }: { readonly user: User }): ReactElement {
  const [initial = ''] = name ?? email ?? ''
  return (
    <>
      {initial && (
        <div className="latchkey-account">
          <span className="latchkey-avatar" aria-hidden="true">
            {initial.toUpperCase()}
          </span>
          <span className="latchkey-account-names">
            {name && <bdi className="latchkey-account-name">{name}</bdi>}
            {email && <bdi className="latchkey-account-email">{email}</bdi>}
          </span>
        </div>
      )}
      <SignOutButton />
    </>
  )
}

interface OfferedProvidersProps {
  readonly offer: ProvidersState
  readonly retry: () => void
  readonly texts: Texts
  /** What there is to press. Without JavaScript loading never ends, so a browser shows it at once then. */
  readonly children: ReactNode
}

function OfferedProviders(props: OfferedProvidersProps): ReactElement {
  const { offer, retry, texts, children } = props
  const container = useRef<HTMLDivElement>(null)

  function tryAgain(): void {
    // The button that has the focus is about to go.
    container.current?.focus()
    retry()
  }

  return (
    <div className="latchkey-offer" tabIndex={-1} ref={container}>
      {offer.status === 'loading' && (
        <>
          <p role="status" className="latchkey-placeholder">
            <span className="latchkey-placeholder-text">{texts.loading}</span>
          </p>
          <noscript>{children}</noscript>
        </>
      )}
      {offer.status === 'error' && (
        <>
          <p role="alert" className="latchkey-alert" data-code={offer.code}>
            {texts.providersFailed}
          </p>
          <button type="button" className="latchkey-button" onClick={tryAgain}>
            {texts.tryAgain}
          </button>
        </>
      )}
      {offer.status === 'ready' && children}
    </div>
  )
}

interface ProviderButtonsProps {
  readonly providers: readonly OfferedProvider[]
  readonly lastUsed: string | null
  readonly texts: Texts
  readonly returnTo: string | undefined
}

function ProviderButtons(props: ProviderButtonsProps): ReactElement {
  const { providers, lastUsed, texts, returnTo } = props
  const badgeId = useId()
  if (providers.length === 0) return <p className="latchkey-note">{texts.noProviders}</p>

  return (
    <div className="latchkey-providers">
      {providers.map(({ id, name, mark }) => (
        <div key={id} className="latchkey-provider">
          <SignInButton
            provider={id}
            name={name}
            mark={mark}
            returnTo={returnTo}
            aria-describedby={id === lastUsed ? badgeId : undefined}
          />
          {id === lastUsed && (
            <span id={badgeId} className="latchkey-badge">
              {texts.lastUsed}
            </span>
          )}
        </div>
      ))}
    </div>
  )
}
