import { bitbucketMark, type Mark } from '@latchkey/contract'
import type { ReactElement } from 'react'

/** Providers whose name and mark a button knows without asking the server. */
export const knownProviders: Readonly<
  Record<string, { readonly name: string; readonly mark: Mark }>
> = {
  bitbucket: { name: 'Bitbucket', mark: bitbucketMark },
}

export interface ProviderMarkProps {
  readonly mark: Mark
}

/** A company's mark. It is always next to the name, so screen readers skip it. */
export function ProviderMark({ mark }: ProviderMarkProps): ReactElement {
  return (
    <svg viewBox={mark.viewBox} aria-hidden="true">
      {mark.paths.map(({ d, fill = 'currentColor' }) => (
        <path key={d} d={d} fill={fill} />
      ))}
    </svg>
  )
}
