/** Instead of a callback URL: any address of this machine, any port, any path. */
export const anyLoopback = 'any-loopback'

const loopbackNames = ['127.0.0.1', 'localhost', '[::1]']

/** Whether a consumer may have this callback URL. */
export function isCallbackUrl(value: string): boolean {
  if (value === anyLoopback) return true
  const url = URL.parse(value)
  return url !== null && isPlainHttp(url) && !value.includes('#')
}

/** Whether a URL is http or https, without a user name and password. */
export function isPlainHttp(url: URL): boolean {
  const isHttp = url.protocol === 'https:' || url.protocol === 'http:'
  return isHttp && url.username === '' && url.password === ''
}

/** Whether a URL leads to this machine. */
export function isLoopback(url: URL): boolean {
  return loopbackNames.includes(url.hostname)
}
