'use client'

import type { ReactElement } from 'react'
import type { ContentProps } from './account-section.tsx'
import { useAccount } from './use-account.ts'

/** Downloads everything that is stored about the user. */
export function ExportContent({ texts }: ContentProps): ReactElement {
  const { exportUrl } = useAccount()
  return (
    <div className="latchkey-row">
      <p className="latchkey-muted">{texts.exportNote}</p>
      <a className="latchkey-button" data-size="small" href={exportUrl} download>
        {texts.download}
      </a>
    </div>
  )
}
