'use client'

import { type FormEvent, type ReactElement, useId } from 'react'
import type { ContentProps } from './account-section.tsx'
import { SmallButton } from './small-button.tsx'
import { useAccount } from './use-account.ts'

/** Edits the name. */
export function ProfileContent({ user, texts, attempt }: ContentProps): ReactElement {
  const { update } = useAccount()
  const inputId = useId()

  function save(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault()
    const name = String(new FormData(event.currentTarget).get('name'))
    attempt(() => update({ name }), texts.saved)
  }

  return (
    <form className="latchkey-row" onSubmit={save}>
      <label className="latchkey-muted" htmlFor={inputId}>
        {texts.name}
      </label>
      <input
        key={user.name}
        id={inputId}
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
