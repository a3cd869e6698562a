/**
 * The maximum length of the `return_to` that a flow keeps, in characters after percent-encoding. The flow's
 * cookie has no room for more.
 */
export const longestReturnTo = 2000

/**
 * Decides where a browser may be redirected inside the application. This is the only place where that is decided.
 *
 * @param untrusted The value of a query parameter, a form field or a header.
 * @returns path, query and fragment on `origin`, ready for a `Location` header, with non-ASCII
 *   characters percent-encoded. `null` if the target is elsewhere, or if a browser might read it
 *   differently.
 */
export function sameOriginPath(untrusted: unknown, origin: string): string | null {
  if (typeof untrusted !== 'string') return null
  // Browsers drop tabs and newlines and read `\` as `/`, so `/<tab>/evil.example` would leave the
  // site.
  if (/[\p{Cc}\\]/u.test(untrusted)) return null
  if (!untrusted.startsWith('/') && !untrusted.startsWith(`${origin}/`)) return null
  if (!URL.canParse(untrusted, origin)) return null
  const url = new URL(untrusted, origin)
  if (url.origin !== origin || url.username !== '' || url.password !== '') return null
  // A path that begins with `//host` would lead to another host.
  if (url.pathname.startsWith('//')) return null
  return url.pathname + url.search + url.hash
}

/**
 * Returns the part of a path that a flow can keep: all of it up to 2,000 characters, otherwise the
 * path without query and fragment, otherwise `null`.
 */
export function keptPart(path: string): string | null {
  if (path.length <= longestReturnTo) return path
  const pathname = path.split(/[?#]/, 1)[0] ?? ''
  return pathname.length <= longestReturnTo ? pathname : null
}

/**
 * Whether `path`, as returned by `sameOriginPath`, is `base` or a path below it, even if its letters are
 * percent-encoded.
 */
export function isUnder(base: string, path: string): boolean {
  const pathname = path.split(/[?#]/, 1)[0] ?? ''
  let plain = pathname
  try {
    plain = decodeURIComponent(pathname)
  } catch {
    // A stray `%` matches none of our routes.
  }
  const lower = plain.toLowerCase()
  return lower === base.toLowerCase() || lower.startsWith(`${base.toLowerCase()}/`)
}

/** Adds query parameters to a path, before its fragment. Replaces existing parameters with the same name. */
export function withQuery(path: string, parameters: Record<string, string>): string {
  const url = new URL(path, 'http://path.invalid')
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.pathname + url.search + url.hash
}

/** Adds `return_to`, unless the target is the front page, which is the default. */
export function withReturnTo(path: string, target: string): string {
  return target === '/' ? path : withQuery(path, { return_to: target })
}

/** Removes one query parameter from a path. */
export function withoutQuery(path: string, name: string): string {
  const url = new URL(path, 'http://path.invalid')
  if (!url.searchParams.has(name)) return path
  url.searchParams.delete(name)
  return url.pathname + url.search + url.hash
}
