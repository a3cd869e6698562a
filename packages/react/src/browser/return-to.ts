import { longestReturnTo } from '@latchkey/contract'

/** Adds the target that a page with a `<SignIn>` reads from its address. */
export function withReturnTo(path: string, returnTo: string | undefined): string {
  return withQuery(path, { return_to: returnTo && toTarget(returnTo) })
}

/**
 * A path as it would be written in a `Location` header: `/café` becomes `/caf%C3%A9`. A path that is too
 * long for the server is shortened here already, because a URL with all of it may not even get there. The
 * server alone decides whether the target is safe.
 */
export function toTarget(path: string): string {
  // Half a character, which cannot be encoded, is replaced as browsers do.
  const target = path
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replace(/[^\x21-\x7e]+/g, encodeURIComponent)
  if (target.length <= longestReturnTo) return target
  console.warn(
    `Latchkey: the page to return to has a URL of ${target.length} characters. The browser returns to its path alone.`,
  )
  return target.replace(/[?#].*/, '')
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
