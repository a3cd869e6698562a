'use client'

import { type ReactElement, useId } from 'react'
import { withReturnTo } from '../browser/return-to.ts'
import { fill } from '../locales/texts.ts'
import { useTexts } from '../session/auth-context.ts'
import type { Offer } from './offer.ts'
import { SignInButton, type SignInButtonProps } from './sign-in-button.tsx'

export interface ProviderListProps
  extends Pick<SignInButtonProps, 'mode' | 'variant' | 'returnTo' | 'onResult'> {
  readonly offer: Offer
  /** Path of the server's sign-in page, for browsers that cannot request the providers. */
  readonly signInPath: string
  /** Path to return to if there is no `returnTo`. Not used for a popup, because it does not navigate the page. */
  readonly fallbackReturnTo?: string | undefined
  /** Called when a sign-in begins. */
  readonly onStart: () => void
}

/** A sign-in button per provider. While the providers are unknown, a link to the server's sign-in page. */
export function ProviderList(props: ProviderListProps): ReactElement {
  const { offer, signInPath, onStart, ...buttonProps } = props
  const texts = useTexts()
  if (offer.status !== 'ready') {
    return (
      <a className="latchkey-button" href={withReturnTo(signInPath, props.returnTo)}>
        {texts.signIn}
      </a>
    )
  }
  if (offer.providers.length === 0) {
    return <p className="latchkey-muted">{texts.noProviders}</p>
  }
  return (
    <ul className="latchkey-providers">
      {offer.providers.map(({ id, name, mark }) => (
        <ProviderItem
          {...buttonProps}
          key={id}
          provider={id}
          name={name}
          mark={mark}
          isLastUsed={id === offer.lastUsed}
          onClick={onStart}
        />
      ))}
    </ul>
  )
}

interface ProviderItemProps extends SignInButtonProps {
  readonly name: string
  readonly isLastUsed: boolean
  readonly fallbackReturnTo?: string | undefined
}

function ProviderItem(props: ProviderItemProps): ReactElement {
  const { isLastUsed, fallbackReturnTo, ...buttonProps } = props
  const { name, returnTo } = buttonProps
  const badgeId = useId()
  const texts = useTexts()
  return (
    <li className="latchkey-provider">
      <SignInButton
        {...buttonProps}
        aria-describedby={isLastUsed ? badgeId : undefined}
        render={(link, { pending }) => (
          <>
            <a {...link} href={returnTo ? link.href : withReturnTo(link.href, fallbackReturnTo)} />
            <span role="status" className="latchkey-hidden">
              {pending && fill(texts.goingOn, { provider: name })}
            </span>
          </>
        )}
      />
      {isLastUsed && (
        <span id={badgeId} className="latchkey-tag">
          {texts.lastUsed}
        </span>
      )}
    </li>
  )
}
