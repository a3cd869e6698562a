import type { Consumer } from '../seed/seed-format.ts'

/** An authorize request that may be shown to a person. */
export interface AuthorizationRequest {
  readonly consumer: Consumer
  readonly redirectUri: URL
  readonly scopes: readonly string[]
  readonly parameters: URLSearchParams
}
