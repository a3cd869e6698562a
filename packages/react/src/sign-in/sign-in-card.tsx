'use client'

import { type ReactElement, type ReactNode, useEffect, useState } from 'react'
import { removeErrorFromAddressBar } from '../browser/address.ts'
import { errorSentence, type Texts } from '../locales/texts.ts'
import { Alert, Place, Unready } from '../looks/notices.tsx'
import { Person } from '../looks/person.tsx'
import type { AuthState } from '../session/auth-state.ts'
import { useNotice } from '../session/use-notice.ts'
import { SignOutButton } from '../sign-out/sign-out-button.tsx'
import { CardFrame, type CardFrameProps } from './card-frame.tsx'
import { type Offer, type OfferOptions, useOffer } from './offer.ts'
import { ProviderList, type ProviderListProps } from './provider-list.tsx'
import { type ProvidersState, useProviders } from './providers.ts'
import type { SignInQuery } from './sign-in-query.ts'

export interface SignInCardProps
  extends Omit<CardFrameProps, 'user' | 'status' | 'children'>,
    Pick<ProviderListProps, 'mode' | 'variant' | 'returnTo' | 'fallbackReturnTo' | 'signInPath'>,
    Pick<OfferOptions, 'providers'> {
  readonly auth: AuthState | null
  readonly query: SignInQuery
  /** Code of a failed sign-in, if the application passes it. */
  readonly authError?: string | undefined
}

/** The card of `<SignIn>`: the signed-in user, or an error message and the sign-in buttons. */
export function SignInCard(props: SignInCardProps): ReactElement {
  const {
    auth,
    query,
    authError,
    providers,
    mode,
    variant,
    returnTo,
    fallbackReturnTo,
    signInPath,
    ...frame
  } = props
  const { purpose, basePath, texts } = frame
  const user = auth?.status === 'signed-in' ? auth.user : null
  // A retry of the session also requests the providers again.
  const enabled = user === null && auth?.status !== 'error'
  const offer = useOffer({ providers, purpose, basePath, enabled })
  /** `undefined` before the first popup, `null` if the last popup did not fail. */
  const [popupError, setPopupError] = useState<string | null>()
  useEffect(removeErrorFromAddressBar, [])

  const pageError = errorOfPage(offer, query, authError)
  const code = popupError === undefined ? pageError : popupError
  const refusal = useRefusal(code === 'refused', basePath)
  return (
    <CardFrame {...frame} user={user} status={auth?.status}>
      {user ? (
        <>
          <Person user={user} />
          <SignOutButton />
        </>
      ) : (
        <>
          {code && <Failure code={code} refusal={refusal} texts={texts} name={onlyName(offer)} />}
          <WhenReady auth={auth} offer={offer}>
            <ProviderList
              offer={offer}
              signInPath={signInPath}
              mode={mode}
              variant={variant}
              returnTo={returnTo}
              fallbackReturnTo={fallbackReturnTo}
              // Remove the error first, so that screen readers announce the same error again.
              onStart={() => mode === 'popup' && setPopupError(null)}
              onResult={setPopupError}
            />
          </WhenReady>
        </>
      )}
    </CardFrame>
  )
}

interface FailureProps {
  readonly code: string
  readonly refusal: ProvidersState | NotNeeded
  readonly texts: Texts
  /** The provider's name, if it is known. */
  readonly name: string | undefined
}

/** Shows why the sign-in failed, once the sentence is known, so that it is announced only once. */
function Failure({ code, refusal, texts, name }: FailureProps): ReactElement {
  const own = refusal.status === 'ready' ? refusal.refusal : undefined
  const alert = <Alert code={code}>{own ?? errorSentence(texts, code, name)}</Alert>
  // Without JavaScript, nothing ever finishes loading.
  return refusal.status === 'loading' ? <noscript>{alert}</noscript> : alert
}

/** Requests the application's own sentence if the sign-in was refused. */
function useRefusal(isRefused: boolean, basePath: string | undefined): ProvidersState | NotNeeded {
  const answer = useProviders({ basePath, enabled: isRefused })
  return isRefused ? answer : { status: 'not-needed' }
}

interface NotNeeded {
  readonly status: 'not-needed'
}

/** Returns the error code that this page was opened with. */
function errorOfPage(
  offer: Offer,
  query: SignInQuery,
  authError: string | undefined,
): string | undefined {
  // The response may contain the provider's name. Wait for it, so that the error is announced only once.
  const codeInQuery = offer.status === 'loading' ? undefined : query.authError
  return codeInQuery || authError
}

/** Returns the name of the provider that an error is about, if the card offers only one. */
function onlyName(offer: Offer): string | undefined {
  if (offer.status !== 'ready') return undefined
  const [only, another] = offer.providers
  return another ? undefined : only?.name
}

interface WhenReadyProps {
  readonly auth: AuthState | null
  readonly offer: Offer
  readonly children: ReactNode
}

/** Shows its children when the session and the providers are known. */
function WhenReady({ auth, offer, children }: WhenReadyProps): ReactElement {
  const notice = useNotice()
  const unknown = auth?.status === 'loading' || auth?.status === 'error' ? auth : null
  const awaited = unknown ?? offer
  return (
    <div className="latchkey-part">
      {unknown && <Place of={notice} />}
      {awaited.status === 'ready' ? (
        children
      ) : (
        <>
          {(!unknown || notice.isShown[unknown.status]) && <Unready state={awaited} />}
          {/* Without JavaScript, nothing ever finishes loading. */}
          <noscript>{children}</noscript>
        </>
      )}
    </div>
  )
}
