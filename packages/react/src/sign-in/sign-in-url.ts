import { startPath } from '@latchkey/contract'
import { toAscii, withQuery } from '../browser/return-to.ts'

export interface SignInUrlOptions {
  /** Where to go after signing in: a path of your application, such as `/reports?year=2026`. */
  readonly returnTo?: string | undefined
  /** Whom the provider should expect, for providers that take a hint. */
  readonly loginHint?: string | undefined
  /** Where the server's routes are, without a slash at the end. Default `/auth`. */
  readonly basePath?: string | undefined
}

/** The address that starts a sign-in. Navigate to it, never fetch it: the server refuses that. */
export function signInUrl(provider: string, options: SignInUrlOptions = {}): string {
  const { returnTo, loginHint, basePath } = options
  return withQuery(startPath(provider, basePath), {
    return_to: returnTo && toAscii(returnTo),
    login_hint: loginHint,
  })
}
