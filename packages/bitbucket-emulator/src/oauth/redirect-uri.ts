import { anyLoopback, isLoopback, isPlainHttp } from '../seed/callback-url.ts'

/**
 * Validates a `redirect_uri` against the consumer's callback URL.
 *
 * Bitbucket accepts the callback itself and anything below it, "appended to the same URL configured in
 * the consumer" (https://support.atlassian.com/bitbucket-cloud/docs/use-oauth-on-bitbucket-cloud/).
 * "Below" means after a `/`, so `/callback-evil` does not match `/callback`. Anything that URL parsers interpret
 * differently is rejected: dot segments, encoded slashes, backslashes and white space. The port of a loopback callback
 * is ignored (RFC 8252 §7.3).
 *
 * @returns The parsed URI, or `null` if it is not allowed
 */
export function allowedRedirectUri(requested: string, callbackUrl: string): URL | null {
  const uri = URL.parse(requested)
  if (!uri || !isPlainHttp(uri) || !isPlainlyWritten(requested)) return null
  if (callbackUrl === anyLoopback) {
    return isLoopback(uri) ? uri : null
  }
  const callback = new URL(callbackUrl)
  const matches =
    uri.protocol === callback.protocol &&
    uri.hostname === callback.hostname &&
    (uri.port === callback.port || isLoopback(callback)) &&
    (uri.pathname === callback.pathname || uri.pathname.startsWith(asFolder(callback.pathname))) &&
    (callback.search === '' || uri.search === callback.search)
  return matches ? uri : null
}

function isPlainlyWritten(uri: string): boolean {
  const [address = ''] = uri.split('?')
  const isOdd = /[\s\\]|%2f|%5c|\/(\.|%2e){1,2}(\/|$)/i.test(address)
  return /^https?:\/\//i.test(uri) && !isOdd && !uri.includes('#')
}

function asFolder(pathname: string): string {
  return pathname.endsWith('/') ? pathname : `${pathname}/`
}
