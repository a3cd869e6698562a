import type { SessionBody } from '@latchkey/contract'
import type { Decision } from '../src/decisions.ts'
import type { SignInRecord } from '../src/sign-in-record.ts'

/** What a page is rendered from, on the server and again in the browser. */
export type PageData = { readonly session: SessionBody | null } & (
  | { readonly page: 'home'; readonly authError?: string | undefined }
  | { readonly page: 'decisions'; readonly decisions: readonly Decision[] }
  | { readonly page: 'what-happened'; readonly record: SignInRecord | null }
)
