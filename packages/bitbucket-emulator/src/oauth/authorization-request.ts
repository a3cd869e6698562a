import type { Consumer } from '../seed/seed-format.ts'

/** A valid authorize request, ready for the consent page. */
export interface AuthorizationRequest {
  readonly consumer: Consumer
  readonly redirectUri: URL
  readonly scopes: readonly string[]
  readonly parameters: URLSearchParams
}
