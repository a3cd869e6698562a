'use client'

import type { ReactElement } from 'react'
import type { ContentProps } from './account-section.tsx'
import { Confirmation } from './confirmation.tsx'
import { useAccount } from './use-account.ts'

/** Deletes the account. */
export function DeleteContent({ texts, attempt }: ContentProps): ReactElement {
  const account = useAccount()
  return (
    <Confirmation
      name={texts.delete}
      question={texts.deleteQuestion}
      answer={texts.deleteNow}
      onConfirm={() => attempt(account.delete)}
    />
  )
}
