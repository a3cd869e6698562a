import type { SessionBody } from '@latchkey/contract'
import type { Decision, NewDecision } from '../src/decisions.ts'
import type { SignInRecord } from '../src/sign-in-record.ts'

import type { GalleryData } from './gallery/scenarios.ts'

/** The data of a page, for rendering on the server and hydrating in the browser. */
export type PageData = QuireData | GalleryData

/** The data of a page of Quire, the demo's product. */
export type QuireData = { readonly session: SessionBody | null } & (
  | { readonly page: 'home'; readonly authError?: string | undefined }
  | DecisionsData
  | { readonly page: 'account' }
  | { readonly page: 'what-happened'; readonly record: SignInRecord | null }
  | { readonly page: 'not-found' }
)

export interface DecisionsData {
  readonly page: 'decisions'
  readonly decisions: readonly Decision[]
  /** The invalid input of a form that was submitted without JavaScript. */
  readonly refused?: Partial<NewDecision>
}
