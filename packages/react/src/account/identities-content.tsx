'use client'

import type { Identity, Provider } from '@latchkey/contract'
import type { ReactElement, ReactNode } from 'react'
import { fill } from '../locales/texts.ts'
import { ProviderMark } from '../looks/marks.tsx'
import { Unready } from '../looks/notices.tsx'
import { Names } from '../looks/person.tsx'
import type { ContentProps } from './account-section.tsx'
import { Confirmation } from './confirmation.tsx'
import { SmallButton } from './small-button.tsx'
import { useIdentities } from './use-identities.ts'

/** Lists the connected accounts, and the providers that can be connected. */
export function IdentitiesContent({ providers, texts, attempt }: ContentProps): ReactNode {
  const state = useIdentities()
  if (state.status !== 'ready') return <Unready state={state} />
  const { identities, connect, disconnect } = state
  const connected = identities.map(({ provider }) => provider)
  const connectable = providers.filter(({ id, link }) => link && !connected.includes(id))

  function connectedRow({ id, provider: providerId, name, email }: Identity): ReactElement {
    const provider = providers.find(({ id }) => id === providerId)
    const company = { provider: provider?.name ?? providerId }
    return (
      <li key={id} className="latchkey-row">
        <Company name={company.provider} mark={provider?.mark} account={name ?? email} />
        {/* Without the last account, the user could not sign in anymore. */}
        {identities.length > 1 && (
          <Confirmation
            name={texts.disconnect}
            question={fill(texts.disconnectQuestion, company)}
            answer={texts.disconnect}
            onConfirm={() => attempt(() => disconnect(id), fill(texts.disconnected, company))}
          />
        )}
      </li>
    )
  }

  function connectableRow({ id, name, mark }: Provider): ReactElement {
    return (
      <li key={id} className="latchkey-row">
        <Company name={name} mark={mark} />
        <SmallButton onClick={() => attempt(() => connect(id))}>
          {fill(texts.connect, { provider: name })}
        </SmallButton>
      </li>
    )
  }

  return (
    <ul className="latchkey-list">
      {identities.map(connectedRow)}
      {connectable.map(connectableRow)}
    </ul>
  )
}

interface CompanyProps {
  readonly name: string
  /** Missing for a provider that the server no longer offers. */
  readonly mark: Provider['mark'] | undefined
  /** The user's name at the provider. */
  readonly account?: string | null
}

function Company({ name, mark, account }: CompanyProps): ReactElement {
  return (
    <>
      <span className="latchkey-mark">{mark && <ProviderMark mark={mark} />}</span>
      <Names first={name} second={account} />
    </>
  )
}
