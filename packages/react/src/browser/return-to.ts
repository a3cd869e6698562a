/** Adds the target that a page with a `<SignIn>` reads from its address. */
export function withReturnTo(path: string, returnTo: string | undefined): string {
  return withQuery(path, { return_to: returnTo && toAscii(returnTo) })
}

/**
 * A path as it would be written in a `Location` header: `/café` becomes `/caf%C3%A9`. The server alone
 * decides whether the target is safe, and shortens one that is too long.
 */
export function toAscii(path: string): string {
  // Half a character, which cannot be encoded, is replaced as browsers do.
  return path.replace(/\p{Surrogate}/gu, '\ufffd').replace(/[^\x21-\x7e]+/g, encodeURIComponent)
}

/** Adds the parameters that have a value. */
export function withQuery(path: string, parameters: Record<string, string | undefined>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (value) query.set(name, value)
  }
  const search = query.toString()
  return search ? `${path}${path.includes('?') ? '&' : '?'}${search}` : path
}
