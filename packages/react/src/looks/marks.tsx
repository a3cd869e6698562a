import { bitbucketMark, type Mark } from '@latchkey/contract'
import type { ReactElement } from 'react'

/** What a button can show of a provider without having asked the server. */
export const builtIn: Readonly<Record<string, { readonly name: string; readonly mark: Mark }>> = {
  bitbucket: { name: 'Bitbucket', mark: bitbucketMark },
}

export interface ProviderMarkProps {
  readonly mark: Mark
}

/** A picture beside its name, so silent for screen readers. */
export function ProviderMark({ mark }: ProviderMarkProps): ReactElement {
  return (
    <svg viewBox={mark.viewBox} aria-hidden="true" focusable="false">
      {mark.paths.map(({ d, fill = 'currentColor' }) => (
        <path key={d} d={d} fill={fill} />
      ))}
    </svg>
  )
}
