/** A callback URL that accepts any loopback host, port and path. */
export const anyLoopback = 'any-loopback'

const loopbackNames = ['127.0.0.1', 'localhost', '[::1]']

/** Returns whether a consumer can have this callback URL. */
export function isCallbackUrl(value: string): boolean {
  if (value === anyLoopback) return true
  const url = URL.parse(value)
  return url !== null && isPlainHttp(url) && !value.includes('#')
}

/** Returns whether a URL is http or https, without a user name and password. */
export function isPlainHttp(url: URL): boolean {
  const isHttp = url.protocol === 'https:' || url.protocol === 'http:'
  return isHttp && url.username === '' && url.password === ''
}

/** Returns whether a URL has a loopback host. */
export function isLoopback(url: URL): boolean {
  return loopbackNames.includes(url.hostname)
}
