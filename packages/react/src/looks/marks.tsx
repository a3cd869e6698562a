import { bitbucketMark, type Mark } from '@latchkey/contract'
import type { ReactElement } from 'react'

/** Built-in providers. A button has their name and mark without a request. */
export const knownProviders: Readonly<
  Record<string, { readonly name: string; readonly mark: Mark }>
> = {
  bitbucket: { name: 'Bitbucket', mark: bitbucketMark },
}

export interface ProviderMarkProps {
  readonly mark: Mark
}

/** A provider's mark. Hidden from screen readers, because the name is always next to it. */
export function ProviderMark({ mark }: ProviderMarkProps): ReactElement {
  return (
    <svg viewBox={mark.viewBox} aria-hidden="true">
      {mark.paths.map(({ d, fill = 'currentColor' }) => (
        <path key={d} d={d} fill={fill} />
      ))}
    </svg>
  )
}
