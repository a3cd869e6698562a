import { startPath } from '@latchkey/contract'

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

/** Adds the target that a page with a `<SignIn>` reads from its address. */
export function withReturnTo(path: string, returnTo: string | undefined): string {
  return withQuery(path, { return_to: returnTo && toAscii(returnTo) })
}

/**
 * A path as it would stand in a `Location` header: `/café` becomes `/caf%C3%A9`. Where it leads is not
 * judged here; the server has the one sanitiser.
 */
export function toAscii(path: string): string {
  return path.toWellFormed().replace(/[^\x21-\x7e]+/g, encodeURIComponent)
}

function withQuery(path: string, parameters: Record<string, string | undefined>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (value) query.set(name, value)
  }
  const search = query.toString()
  return search ? `${path}${path.includes('?') ? '&' : '?'}${search}` : path
}
