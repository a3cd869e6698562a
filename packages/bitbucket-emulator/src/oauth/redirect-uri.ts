import { anyLoopback, isLoopback, isPlainHttp } from '../seed/callback-url.ts'

/**
 * Whether a browser may be sent to `requested`, given the callback URL of the consumer.
 *
 * Bitbucket takes the callback itself and anything below it, "appended to the same URL configured in
 * the consumer" (https://support.atlassian.com/bitbucket-cloud/docs/use-oauth-on-bitbucket-cloud/).
 * Below means at a `/`, so that `/callback-evil` does not pass for `/callback`, and nothing passes that
 * one parser might read otherwise than another: dot segments, encoded slashes, backslashes, white
 * space. The port of a loopback callback does not matter (RFC 8252 §7.3).
 *
 * @returns the parsed URI, or `null` if it must not be used
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
