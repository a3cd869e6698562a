import type { AgentOptions } from 'node:http'
import type { FastifyBaseLogger } from 'fastify'
import { withReference } from '../../http/codes.ts'

// https://nodejs.org/api/http.html#built-in-proxy-support

/** The names of this machine. Node's own list of exceptions is empty without `NO_PROXY`. */
const LOOPBACK = ['localhost', '.localhost', '127.0.0.0-127.255.255.255', '::1', '[::1]']

/**
 * Returns the proxy settings that Node itself uses with `NODE_USE_ENV_PROXY=1` or
 * `--use-env-proxy`, for an agent of our own. Loopback is never proxied.
 * @param timeout How long a tunnel may take to open, in milliseconds. Node does not close a pending
 *   tunnel when its request ends.
 */
export function proxySettings(timeout: number): Pick<AgentOptions, 'proxyEnv' | 'timeout'> {
  const { proxyEnv } = globalOptions()
  if (proxyEnv === undefined) return {}
  // Node prefers the lowercase name.
  const exceptions = proxyEnv.no_proxy || proxyEnv.NO_PROXY || ''
  return { timeout, proxyEnv: { ...proxyEnv, no_proxy: [exceptions, ...LOOPBACK].join(',') } }
}

/**
 * Warns if the environment names a proxy, but this version of Node (before 22.21 or 24.5) cannot
 * use one with agents.
 */
export function warnOfUnusedProxy(log: FastifyBaseLogger): void {
  if ('proxyEnv' in globalOptions()) return
  const named = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'].find(
    (name) => process.env[name],
  )
  if (named === undefined) return
  log.warn(
    withReference(
      `Latchkey: the environment variable ${named} is ignored, because Node ${process.versions.node} has no proxy support for agents. Latchkey connects to providers directly. Use Node 22.21, 24.5 or newer, and set NODE_USE_ENV_PROXY=1.`,
      'proxy_ignored',
    ),
  )
}

function globalOptions(): AgentOptions {
  const { globalAgent } = process.getBuiltinModule('node:http')
  // The types omit `options`.
  return (globalAgent as { readonly options?: AgentOptions }).options ?? {}
}
