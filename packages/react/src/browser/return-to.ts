/** Adds `return_to`, which a page with a `<SignIn>` reads from its query. */
export function withReturnTo(path: string, returnTo: string | undefined): string {
  return withQuery(path, { return_to: returnTo && toAscii(returnTo) })
}

/**
 * Encodes a path as in a `Location` header: `/café` becomes `/caf%C3%A9`. The server decides whether the path is
 * safe, and shortens one that is too long.
 */
export function toAscii(path: string): string {
  // A lone surrogate cannot be encoded. Browsers replace it in the same way.
  return path.replace(/\p{Surrogate}/gu, '\ufffd').replace(/[^\x21-\x7e]+/g, encodeURIComponent)
}

/** Adds all parameters that have a value. */
export function withQuery(path: string, parameters: Record<string, string | undefined>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (value) query.set(name, value)
  }
  const search = query.toString()
  return search ? `${path}${path.includes('?') ? '&' : '?'}${search}` : path
}
