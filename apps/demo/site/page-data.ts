import type { SessionBody } from '@latchkey/contract'
import type { Decision, NewDecision } from '../src/decisions.ts'
import type { SignInRecord } from '../src/sign-in-record.ts'

import type { GalleryData } from './gallery/scenarios.ts'

/** A page's data, for rendering it on the server and hydrating it in the browser. */
export type PageData = QuireData | GalleryData

/** The data of a page of Quire, the demo's product. */
export type QuireData = { readonly session: SessionBody | null } & (
  | HomeData
  | DecisionsData
  | { readonly page: 'account' }
  | { readonly page: 'what-happened'; readonly record: SignInRecord | null }
  | { readonly page: 'not-found' }
)

export interface HomeData {
  readonly page: 'home'
  readonly authError?: string | undefined
  /** The names of the providers that people can sign in with. */
  readonly providers: readonly string[]
}

export interface DecisionsData {
  readonly page: 'decisions'
  readonly decisions: readonly Decision[]
  /** The invalid input from a form that was submitted without JavaScript. */
  readonly refused?: Partial<NewDecision>
}
