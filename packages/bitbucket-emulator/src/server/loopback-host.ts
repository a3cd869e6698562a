/**
 * Returns whether a `Host` header names this machine. With DNS rebinding, a web page points its own host name at
 * 127.0.0.1 and reads what is served there. Its requests carry that name in `Host`.
 */
export function isLoopbackHost(host = ''): boolean {
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i.test(host)
}
