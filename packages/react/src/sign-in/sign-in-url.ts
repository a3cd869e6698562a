import { startPath } from '@latchkey/contract'
import { toAscii, withQuery } from '../browser/return-to.ts'

/** Options of `signInUrl()`. */
export interface SignInUrlOptions {
  /** Path in your application to return to after signing in, such as `/reports?year=2026`. */
  readonly returnTo?: string | undefined
  /** The account to suggest, such as an e-mail address. Providers can ignore it. */
  readonly loginHint?: string | undefined
  /** Base path of the server's routes, without a trailing slash. Default `/auth`. */
  readonly basePath?: string | undefined
}

/**
 * Returns the URL that starts a sign-in. Navigate to it. The server rejects `fetch` requests.
 *
 * @example
 * location.assign(signInUrl('bitbucket', { returnTo: '/inbox' }))
 */
export function signInUrl(provider: string, options: SignInUrlOptions = {}): string {
  const { returnTo, loginHint, basePath } = options
  return withQuery(startPath(provider, basePath), {
    return_to: returnTo && toAscii(returnTo),
    login_hint: loginHint,
  })
}
