import type { SessionBody } from '@latchkey/contract'
import type { Decision, NewDecision } from '../src/decisions.ts'
import type { SignInRecord } from '../src/sign-in-record.ts'

import type { GalleryData } from './gallery/scenarios.ts'

/** What a page is rendered from, on the server and again in the browser. */
export type PageData = QuireData | GalleryData

/** A page of the product that the demo is. */
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
  /** What the form has posted by itself and could not be kept. */
  readonly refused?: Partial<NewDecision>
}
